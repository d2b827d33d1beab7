"""Rules on SRTP."""
