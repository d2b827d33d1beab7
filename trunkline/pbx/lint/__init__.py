"""Reads the configuration of a PBX and says which of its settings break a trunk (docs/pbx/README.md)."""
