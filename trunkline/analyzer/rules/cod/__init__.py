"""Rules on codecs and packet time."""
