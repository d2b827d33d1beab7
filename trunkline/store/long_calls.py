"""Calls that have lasted as long as their trunk lets a call last."""

from __future__ import annotations

from sqlalchemy import BigInteger, cast, select

from trunkline.store.database import Database
from trunkline.store.errors import outages_named
from trunkline.store.models import Call, Trunk

AT_A_TIME = 50


def too_long(database: Database, edge: str, now_us: int) -> list[tuple[str, int]]:
    """SID and limit in seconds of answered calls of this edge that are up beyond their trunk's `max_call_seconds`, as
    it is now; some of them, where there are very many. Raises StoreUnavailable.
    """
    query = (
        select(Call.sid, Trunk.max_call_seconds)
        .join(Trunk, Trunk.sid == Call.trunk_sid)
        .where(Call.edge == edge, Call.ended_us.is_(None), Call.answered_us.is_not(None))
        .where(Call.answered_us + cast(Trunk.max_call_seconds, BigInteger) * 1_000_000 <= now_us)
        .order_by(Call.answered_us)
        .limit(AT_A_TIME)
    )
    with outages_named(), database.read() as session:
        return [(sid, longest) for sid, longest in session.execute(query)]
