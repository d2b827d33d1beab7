"""Rules on session descriptions."""
