"""Rules on caller ID and identity."""
