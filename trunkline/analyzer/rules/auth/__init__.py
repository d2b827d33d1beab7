"""Rules on authentication and registration."""
