"""What the trace analyzer said of calls that the trunk carried, and their SIP messages."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import LargeBinary, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from trunkline.store.base import Base
from trunkline.store.models import Call

KEPT_DAYS = 30
AT_ONCE = 500
"""Call-IDs in one question."""


class CallAnalysis(Base):
    """One call that was worth judging."""

    __tablename__ = "call_analyses"

    call_sid: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str] = mapped_column(Text, default="")
    problems: Mapped[int] = mapped_column(default=0)
    document: Mapped[str] = mapped_column(Text, default="")
    """The JSON report (docs/analyzer.md); empty: there was no time to judge it."""
    capture: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """Its SIP messages, a packed pcap."""


def calls_by_sip_call_id(session: Session, since_us: Mapping[str, int]) -> dict[str, Call]:
    """For each Call-ID the newest call that began at the time beside it or later; without one: not in the answer."""
    found: dict[str, Call] = {}
    call_ids = list(since_us)
    for first in range(0, len(call_ids), AT_ONCE):
        query = select(Call).where(Call.sip_call_id.in_(call_ids[first : first + AT_ONCE])).order_by(Call.started_us)
        for call in session.scalars(query):
            if call.started_us >= since_us[call.sip_call_id]:
                found[call.sip_call_id] = call
    return found


def save_analysis(session: Session, call_sid: str, document: dict[str, Any] | None, capture: bytes) -> None:
    """Keeps both; a second save of the same call replaces the first. `document` None: the messages alone."""
    row = session.get(CallAnalysis, call_sid) or CallAnalysis(call_sid=call_sid)
    row.verdict = "" if document is None else _storable(str(document["verdict"])[:1000])
    row.problems = 0 if document is None else int(document["problems"])
    row.document = "" if document is None else json.dumps(document, separators=(",", ":"))
    row.capture = capture
    session.add(row)


def _storable(text: str) -> str:
    """Bytes of a message that are no UTF-8 come as surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def analysis_of(session: Session, call_sid: str) -> CallAnalysis | None:
    return session.get(CallAnalysis, call_sid)


def forget_old(session: Session, now: float | None = None, days: int = KEPT_DAYS) -> None:
    """Messages hold names, numbers and digests: nobody keeps them for ever."""
    before = int(((now if now is not None else time.time()) - days * 86_400) * 1e6)
    session.execute(delete(CallAnalysis).where(CallAnalysis.date_created_us < before))
