"""Rules on early media and PRACK."""
