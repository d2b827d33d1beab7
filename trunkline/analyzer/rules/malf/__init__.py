"""Rules on malformed SIP."""
