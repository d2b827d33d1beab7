"""Rules on fax."""
