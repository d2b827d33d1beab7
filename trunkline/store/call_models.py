"""Records: calls, their attempts, alerts. Conventions: `models.py`, which hands these on.

They refer to other rows without a foreign key, since a record outlives the trunk it speaks of.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.store.base import Base, BigInt
from trunkline.store.sids import sid_column


class Call(Base):
    """The record of one call, over all its attempts. The media figures are of the RTP received from that side."""

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "account_sid", "started_us"),
        Index(None, "trunk_sid", "started_us"),
        Index(None, "edge", "ended_us"),
    )

    sid: Mapped[str] = sid_column("CA")
    account_sid: Mapped[str | None]
    trunk_sid: Mapped[str | None]
    direction: Mapped[str]
    """`trunking-terminating` or `trunking-originating`."""
    caller: Mapped[str] = mapped_column(default="")
    called: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="queued")
    """queued, ringing, in-progress, completed, busy, failed, no-answer, canceled."""
    sip_status: Mapped[int | None]
    sip_reason: Mapped[str] = mapped_column(default="")
    cause: Mapped[str | None]
    """Name of a `trunkline.core` Cause."""
    error_code: Mapped[int | None]
    started_us: Mapped[int] = mapped_column(BigInt, index=True)
    ringing_us: Mapped[int | None] = mapped_column(BigInt)
    answered_us: Mapped[int | None] = mapped_column(BigInt)
    ended_us: Mapped[int | None] = mapped_column(BigInt)
    duration: Mapped[int | None]
    pdd_ms: Mapped[int | None]
    ended_by: Mapped[str | None]
    """caller, callee or edge."""
    q850_cause: Mapped[int | None]
    sip_call_id: Mapped[str] = mapped_column(default="", index=True)
    source_address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    codec: Mapped[str | None]
    secure: Mapped[bool] = mapped_column(default=False)
    edge: Mapped[str] = mapped_column(default="")
    dialog: Mapped[str | None]
    """While the call is up: by what the edge can end it (JSON)."""
    price_micros: Mapped[int | None] = mapped_column(BigInt)
    """What the carrier charges for it, by its rate when the call was set up; None: it has no rate for the number."""
    customer_packets: Mapped[int | None] = mapped_column(BigInt)
    customer_lost: Mapped[int | None] = mapped_column(BigInt)
    customer_jitter_ms: Mapped[float | None]
    customer_mos: Mapped[float | None]
    customer_round_trip_ms: Mapped[float | None]
    carrier_packets: Mapped[int | None] = mapped_column(BigInt)
    carrier_lost: Mapped[int | None] = mapped_column(BigInt)
    carrier_jitter_ms: Mapped[float | None]
    carrier_mos: Mapped[float | None]
    carrier_round_trip_ms: Mapped[float | None]


class Attempt(Base):
    """One INVITE sent to one target while a call was being set up."""

    __tablename__ = "attempts"

    call_sid: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Counts from 0."""
    carrier_sid: Mapped[str | None]
    target_sid: Mapped[str | None]
    """A CT (termination) or an OU (origination)."""
    uri: Mapped[str] = mapped_column(default="")
    started_us: Mapped[int] = mapped_column(BigInt)
    ringing_us: Mapped[int | None] = mapped_column(BigInt)
    answered_us: Mapped[int | None] = mapped_column(BigInt)
    ended_us: Mapped[int | None] = mapped_column(BigInt)
    sip_status: Mapped[int | None]
    sip_reason: Mapped[str] = mapped_column(default="")
    q850_cause: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(default="trying")
    """trying, answered, failed, canceled."""
    next: Mapped[str] = mapped_column(default="")
    """What the failover matrix said, in words."""
    rate_micros: Mapped[int | None] = mapped_column(BigInt)
    """The carrier's price per minute at that time, with how many seconds are billed at least and at a time."""
    rate_first_seconds: Mapped[int | None]
    rate_next_seconds: Mapped[int | None]


class Alert(Base):
    """Something the customer or the operator should know, with the published debugger code."""

    __tablename__ = "alerts"
    __table_args__ = (Index(None, "account_sid", "generated_us"),)

    sid: Mapped[str] = sid_column("NO")
    account_sid: Mapped[str | None]
    error_code: Mapped[int]
    log_level: Mapped[str] = mapped_column(default="error")
    """error, warning, notice."""
    alert_text: Mapped[str] = mapped_column(default="")
    resource_sid: Mapped[str | None] = mapped_column(index=True)
    """The call."""
    service_sid: Mapped[str | None]
    """The trunk."""
    generated_us: Mapped[int] = mapped_column(BigInt, index=True)
    request_variables: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON()), default=dict)
    """What the platform saw."""
