"""What is said of a file of which nothing can be read."""

from __future__ import annotations


class UnreadableInput(ValueError):
    """Nothing of the input could be read. Its text is one line for people: what is wrong, and what to give instead."""
