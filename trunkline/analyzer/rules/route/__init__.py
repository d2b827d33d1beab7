"""Rules on routing, DNS, loops and refusals."""
