"""Draws SIDs: `trunkline/core/sid.py` knows their shape and has no dice of its own."""

from __future__ import annotations

import secrets

from trunkline.core import sid


def new_sid(prefix: str) -> str:
    """A SID that nobody has: `new_sid("TK")` is `TK` and 128 random bits in hex. Raises ValueError: unknown prefix."""
    return sid.new_sid(prefix, secrets.token_bytes(sid.RANDOM_BYTES))
