"""What to set in each system, by topic: `TEMPLATES` of each file."""
