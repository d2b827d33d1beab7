"""Rules on re-INVITEs."""
