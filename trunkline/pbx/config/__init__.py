"""The configuration of a PBX for one trunk, ready to use."""
