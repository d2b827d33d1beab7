"""Stands here so that the tests of this folder can import its plain modules."""
