"""Rules on call transfer."""
