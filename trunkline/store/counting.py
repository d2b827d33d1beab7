"""Limits on how many there may be, counted where they are kept."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from trunkline.store.errors import LimitReached


def refuse_more(session: Session, most: int | None, what: str, of: ColumnElement[bool]) -> None:
    """Raise LimitReached when `most` rows match `of` already; None is no limit. `what` names them in the plural.

    Only as good as the lock that the caller holds (`change_log.lock`).
    """
    if most is not None and (session.scalar(select(func.count()).where(of)) or 0) >= most:
        raise LimitReached(what, most)
