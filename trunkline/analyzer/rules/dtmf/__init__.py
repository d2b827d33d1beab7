"""Rules on DTMF."""
