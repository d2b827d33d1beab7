"""What all models share: the dates of a row, names of constraints, and 64-bit integers on both databases."""

from __future__ import annotations

import time
import types

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

BigInt = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both; SQLite numbers rows by itself only where the type is INTEGER."""


def now_us() -> int:
    """Microseconds since 1970 UTC, by this machine's clock."""
    return time.time_ns() // 1000


class Base(DeclarativeBase):
    """Constraints are named by rule, so that a later migration can name them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    # Two who delete the same row at the same moment both get what they want; no warning has to say so.
    __mapper_args__ = types.MappingProxyType({"confirm_deleted_rows": False})

    date_created_us: Mapped[int] = mapped_column(BigInt, default=now_us, sort_order=900)
    date_updated_us: Mapped[int] = mapped_column(BigInt, default=now_us, onupdate=now_us, sort_order=901)
