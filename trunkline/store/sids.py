"""Draws SIDs: `trunkline/core/sid.py` knows their shape and has no dice of its own."""

from __future__ import annotations

import secrets
from functools import partial

from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core import sid


def new_sid(prefix: str) -> str:
    """A SID that nobody has: `new_sid("TK")` is `TK` and 128 random bits in hex. Raises ValueError: unknown prefix."""
    return sid.new_sid(prefix, secrets.token_bytes(sid.RANDOM_BYTES))


def sid_column(prefix: str) -> Mapped[str]:
    """The primary key of a table of resources; drawn when a row comes without it."""
    return mapped_column(primary_key=True, default=partial(new_sid, prefix))
