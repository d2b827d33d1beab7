"""Rules on CANCEL."""
