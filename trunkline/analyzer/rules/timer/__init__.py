"""Rules on session timers."""
