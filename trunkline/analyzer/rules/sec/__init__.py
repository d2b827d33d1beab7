"""Rules on attacks."""
