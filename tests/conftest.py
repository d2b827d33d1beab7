"""Stands here so that every test can import the plain modules of this folder, such as `postgres`."""
