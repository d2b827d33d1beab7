"""Rules on audio quality."""
