"""Rules on Via, Contact and NAT."""
