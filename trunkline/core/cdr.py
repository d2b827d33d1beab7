"""The events of one call → its one record (CDR) with its attempts.

`note(cdr, event)` puts one event of the spool into a record, by the table `NOTES`. Several SIP workers append to one
spool, so a 180 may stand behind the 200 and the BYE before the answer; a recorder that starts again may see events
twice; after a crash of the edge some never come. Therefore nothing here depends on the order: an event only adds what
it knows, of two that say the same the earlier time counts, and what follows from all of them (`status`, `duration`,
`pdd_ms`) is worked out anew by `settle` after each batch. Noting the same events again changes nothing.

Times are microseconds since 1970 UTC, as in the store; the fields are the columns of `calls` and `attempts`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.core.call_price import price_micros
from trunkline.core.cause import Cause
from trunkline.core.codec_of_answer import codec_of_answer
from trunkline.core.decision import ORIGINATION
from trunkline.core.event_fields import name, number, optional_number, q850_number, text, time_us, unhex
from trunkline.core.reason_header import q850_cause

Event = Mapping[str, Any]
"""One line of the spool, decoded: docs/architecture.md, "The spool"."""

EDGE_RESTARTED = Cause.EDGE_RESTARTED.name


class EventError(ValueError):
    """The event is not one that docs/architecture.md describes; the text says what is wrong with it."""


@dataclass(slots=True)
class MediaFigures:
    """The audio received from one side. None: not known (`lost` and what follows need RTCP reports from the other
    side)."""

    packets: int | None = None
    lost: int | None = None
    jitter_ms: float | None = None
    mos: float | None = None
    """Estimated listening quality, 1.0 to 5.0."""
    round_trip_ms: float | None = None
    """Between the media relay and this side, and back."""


@dataclass(slots=True)
class AttemptRecord:
    """One row of `attempts`."""

    call_sid: str
    n: int
    carrier_sid: str | None = None
    target_sid: str | None = None
    uri: str = ""
    started_us: int = 0
    ringing_us: int | None = None
    answered_us: int | None = None
    ended_us: int | None = None
    sip_status: int | None = None
    sip_reason: str = ""
    q850_cause: int | None = None
    outcome: str = "trying"
    next: str = ""
    rate_micros: int | None = None
    """The carrier's rate when the attempt began (`routing_data.RateRow`), or nothing."""
    rate_first_seconds: int | None = None
    rate_next_seconds: int | None = None


@dataclass(slots=True)
class Cdr:
    """One row of `calls`, and its attempts by number."""

    sid: str
    account_sid: str | None = None
    trunk_sid: str | None = None
    direction: str = ""
    caller: str = ""
    called: str = ""
    status: str = "queued"
    sip_status: int | None = None
    sip_reason: str = ""
    cause: str | None = None
    error_code: int | None = None
    started_us: int = 0
    ringing_us: int | None = None
    answered_us: int | None = None
    ended_us: int | None = None
    duration: int | None = None
    pdd_ms: int | None = None
    ended_by: str | None = None
    q850_cause: int | None = None
    sip_call_id: str = ""
    source_address: str = ""
    user_agent: str = ""
    codec: str | None = None
    secure: bool = False
    edge: str = ""
    dialog: str | None = None
    """While the call is up, JSON of what the edge can end it by: the sealed legs of caller and callee, their tags."""
    price_micros: int | None = None
    """What the carrier charges; None: it has no rate for the number."""
    customer_packets: int | None = None
    customer_lost: int | None = None
    customer_jitter_ms: float | None = None
    customer_mos: float | None = None
    customer_round_trip_ms: float | None = None
    carrier_packets: int | None = None
    carrier_lost: int | None = None
    carrier_jitter_ms: float | None = None
    carrier_mos: float | None = None
    carrier_round_trip_ms: float | None = None

    # Not columns.
    attempts: dict[int, AttemptRecord] = field(default_factory=dict)
    from_tag: str | None = None
    """The caller's tag, while the recorder that saw the INVITE lives."""
    changed_attempts: set[int] = field(default_factory=set, compare=False)
    """Numbers of attempts that whoever stores them has not stored; he empties it."""


def note(cdr: Cdr, event: Event) -> None:
    """Put one event of this call into its record. Raises EventError; the record is unchanged then."""
    try:
        put = NOTES[event["e"]]
    except (KeyError, TypeError):
        raise EventError(f"unknown event {event.get('e')!r}") from None
    try:
        put(cdr, event, time_us(event["at"]))
    except KeyError as error:
        raise EventError(f"{event['e']} without {error.args[0]}") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EventError(f"{event['e']} with a field of the wrong kind: {error}") from None


def cdr_of(events: list[Event]) -> Cdr:
    """The settled record of these events, which are all of one call. Raises EventError."""
    cdr = Cdr(events[0]["sid"])
    for event in events:
        note(cdr, event)
    settle(cdr)
    return cdr


def close_unanswered(cdr: Cdr, at_us: int) -> bool:
    """The edge was started again: a call that it was still setting up has ended. Others stay as they are (False)."""
    if cdr.answered_us is not None or cdr.ended_us is not None or cdr.started_us >= at_us:
        return False
    cdr.cause = EDGE_RESTARTED
    return _end(cdr, at_us, "edge")


def add_figures(cdr: Cdr, caller: MediaFigures, callee: MediaFigures) -> None:
    """The figures of both sides; the caller is the customer on termination and the carrier on origination."""
    customer, carrier = (callee, caller) if cdr.direction == ORIGINATION else (caller, callee)
    cdr.customer_packets, cdr.customer_lost = customer.packets, customer.lost
    cdr.customer_jitter_ms, cdr.customer_mos = customer.jitter_ms, customer.mos
    cdr.customer_round_trip_ms = customer.round_trip_ms
    cdr.carrier_packets, cdr.carrier_lost = carrier.packets, carrier.lost
    cdr.carrier_jitter_ms, cdr.carrier_mos = carrier.jitter_ms, carrier.mos
    cdr.carrier_round_trip_ms = carrier.round_trip_ms


# --- what each event says -----------------------------------------------------------------------------------


def _invite(cdr: Cdr, event: Event, at: int) -> None:
    verdict, direction, call_id = event["verdict"], text(event["direction"]), text(event["call_id"])
    caller, called = text(event.get("caller")), text(event.get("called"))
    source, user_agent, edge = text(event.get("source")), text(event.get("user_agent")), text(event.get("edge"))
    account, trunk = name(event.get("account")), name(event.get("trunk"))
    if verdict == "relay":
        _start_attempt(cdr, event["attempt"], at)
    elif verdict == "reject":
        cause, code = text(event["cause"]), number(event["status"], 300, 699)
        error_code = optional_number(event["code"])
        if _end(cdr, at, "edge"):
            cdr.cause, cdr.sip_status, cdr.error_code, cdr.sip_reason = cause, code, error_code, _reason(cause, code)
    else:
        raise ValueError(f"verdict {verdict!r}")
    cdr.account_sid, cdr.trunk_sid, cdr.direction, cdr.sip_call_id = account, trunk, direction, call_id
    cdr.caller, cdr.called, cdr.source_address, cdr.user_agent = caller, called, source, user_agent
    cdr.secure, cdr.edge, cdr.from_tag, cdr.started_us = bool(event.get("secure")), edge, event.get("from_tag"), at


def _reason(cause: str, code: int) -> str:
    """The reason phrase that went out with a refusal."""
    row = Cause.__members__.get(cause)
    return row.reason if row is not None and row.sip_status == code else ""


def _start_attempt(cdr: Cdr, event: Event, at: int) -> None:
    target, carrier, uri = name(event.get("target")), name(event.get("carrier")), text(event.get("uri"))
    rate = [number(part, 0, 10**12) for part in event.get("rate") or ()]
    attempt = _attempt(cdr, event, at)
    if len(rate) == 3:
        attempt.rate_micros, attempt.rate_first_seconds, attempt.rate_next_seconds = rate
    attempt.target_sid, attempt.carrier_sid, attempt.uri, attempt.started_us = target, carrier, uri, at


def _ringing(cdr: Cdr, event: Event, at: int) -> None:
    attempt = _attempt(cdr, event, at)
    attempt.ringing_us = _earlier(attempt.ringing_us, at)
    cdr.ringing_us = _earlier(cdr.ringing_us, at)


def _answered(cdr: Cdr, event: Event, at: int) -> None:
    code, body = number(event["code"], 200, 299), unhex(event.get("sdp_hex"))
    attempt = _attempt(cdr, event, at)
    attempt.answered_us = attempt.ended_us = _earlier(attempt.answered_us, at)
    attempt.sip_status, attempt.sip_reason, attempt.outcome = code, "OK", "answered"
    if cdr.answered_us is not None and cdr.answered_us <= at:
        return
    if cdr.cause == EDGE_RESTARTED or (cdr.sip_status or 0) >= 300:
        # It went on: what looked like its end was none.
        cdr.ended_us = cdr.ended_by = cdr.cause = cdr.error_code = None
    if event.get("dialog"):
        cdr.dialog = json.dumps([text(word) for word in event["dialog"]][:4])
    cdr.answered_us, cdr.codec = at, codec_of_answer(body) or cdr.codec
    cdr.sip_status, cdr.sip_reason = code, "OK"


def _attempt_failed(cdr: Cdr, event: Event, at: int) -> None:
    code, reason, why = number(event["code"], 100, 999), text(event.get("reason")), text(event.get("why"))
    attempt = _attempt(cdr, event, at)
    if attempt.outcome == "answered":
        return
    attempt.sip_status, attempt.sip_reason, attempt.q850_cause = code, reason, q850_number(event.get("q850"))
    attempt.outcome = "canceled" if event.get("canceled") else "failed"
    attempt.next, attempt.ended_us = why, at


def _final(cdr: Cdr, event: Event, at: int) -> None:
    code, reason, cause = number(event["code"], 300, 699), text(event.get("reason")), name(event.get("cause"))
    error_code, canceled = optional_number(event.get("error_code")), bool(event.get("canceled"))
    by = "caller" if canceled else "edge" if cause is not None or code in NOT_RECEIVED else "callee"
    _started(cdr, at)
    if cdr.answered_us is None and _end(cdr, at, by):
        cdr.sip_status, cdr.sip_reason = (487, "Request Terminated") if canceled else (code, reason)
        cdr.cause, cdr.error_code = cause, error_code


def _bye(cdr: Cdr, event: Event, at: int) -> None:
    by, reason = text(event["by"]), unhex(event.get("reason_hex"))
    _started(cdr, at)
    if _end(cdr, at, by):
        cdr.q850_cause = q850_cause(reason)


def _ended(cdr: Cdr, event: Event, at: int) -> None:
    by, cause = text(event.get("by")) or "edge", name(event.get("cause"))
    _started(cdr, at)
    if _end(cdr, at, by):
        row = Cause.__members__.get(cause or "")
        cdr.cause, cdr.error_code = cause, row.code if row else None


def _refused(cdr: Cdr, _event: Event, at: int) -> None:
    """A request within the call was: that is an alert (`call_alerts`), and the call goes on."""
    _started(cdr, at)


NOTES: dict[str, Callable[[Cdr, Event, int], None]] = {
    "invite": _invite,
    "attempt": _start_attempt,
    "ringing": _ringing,
    "answered": _answered,
    "attempt_failed": _attempt_failed,
    "final": _final,
    "bye": _bye,
    "ended": _ended,
    "refused": _refused,
}
"""Every event that belongs to one call, and what it adds to the record."""


def _started(cdr: Cdr, at: int) -> None:
    """A call whose INVITE is missing began at its first known event."""
    if not cdr.sip_call_id and (cdr.started_us == 0 or at < cdr.started_us):
        cdr.started_us = at


def _attempt(cdr: Cdr, event: Event, at: int) -> AttemptRecord:
    n = number(event["n"], 0, 999)
    _started(cdr, at)
    attempt = cdr.attempts.get(n)
    if attempt is None:
        attempt = cdr.attempts[n] = AttemptRecord(cdr.sid, n, started_us=at)
    cdr.changed_attempts.add(n)
    return attempt


def _end(cdr: Cdr, at: int, by: str | None) -> bool:
    """Whether this end counts: the first one does, by its time."""
    if cdr.ended_us is not None and cdr.ended_us <= at:
        return False
    cdr.ended_us, cdr.ended_by = at, by
    return True


def _earlier(known: int | None, at: int) -> int:
    return at if known is None or at < known else known


# --- what follows from all of them --------------------------------------------------------------------------

BUSY = frozenset((486, 600, 603, 607))
"""The callee was reached and refused: engaged, or declined (607: RFC 8197)."""
NO_ANSWER = frozenset((480,))
NO_ANSWER_AFTER_RINGING = frozenset((408, 487))
NOT_RECEIVED = frozenset((408, 477, 478))
"""What Kamailio itself says where nothing came back, nothing could be sent, or a name did not resolve."""


def settle(cdr: Cdr) -> None:
    """Work out `status`, `duration`, `pdd_ms`, and the end of attempts of which nothing more will be heard."""
    cdr.status, cdr.pdd_ms, cdr.duration = _status(cdr), _pdd_ms(cdr), None
    if cdr.ended_us is None:
        return
    cdr.dialog = None
    if cdr.answered_us is not None:
        # The nearest second, and never 0 for a call that was answered: billing rounds up by its own increment, later.
        cdr.duration = max(1, (cdr.ended_us - cdr.answered_us + 500_000) // 1_000_000)
    elif cdr.status != "completed":
        cdr.duration = 0
    for attempt in cdr.attempts.values():
        if attempt.outcome == "answered" and attempt.rate_micros is not None:
            rate = (attempt.rate_micros, attempt.rate_first_seconds or 0, attempt.rate_next_seconds or 0)
            cdr.price_micros = price_micros(cdr.duration or 0, rate)
        if attempt.outcome == "trying":
            attempt.outcome = "canceled" if cdr.status == "canceled" else "failed"
            attempt.ended_us = cdr.ended_us
            cdr.changed_attempts.add(attempt.n)
    if cdr.q850_cause is None and cdr.answered_us is None and cdr.attempts:
        cdr.q850_cause = cdr.attempts[max(cdr.attempts)].q850_cause


def _status(cdr: Cdr) -> str:
    """`calls.status`, in the published API's words."""
    if cdr.ended_us is None:
        if cdr.answered_us is not None:
            return "in-progress"
        return "queued" if cdr.ringing_us is None else "ringing"
    if cdr.answered_us is not None:
        return "completed"
    code = cdr.sip_status
    if cdr.cause is not None:
        return "failed"  # refused, or nobody could take it: whatever code the caller got, no callee said so
    if code is None:
        # Neither an answer nor a final failure was seen. Only an answered call can be ended by a BYE.
        return "completed" if cdr.ended_by in ("caller", "callee") else "failed"
    if code == 487 and cdr.ended_by == "caller":
        return "canceled"
    if code in BUSY:
        return "busy"
    if code in NO_ANSWER or (code in NO_ANSWER_AFTER_RINGING and cdr.ringing_us is not None):
        return "no-answer"
    return "failed"


def _pdd_ms(cdr: Cdr) -> int | None:
    """Post-dial delay: INVITE → first response but 100, or the final one where no other came (docs/glossary.md).

    None when the other side said nothing at all, and for what we refused ourselves.
    """
    heard = cdr.ringing_us if cdr.ringing_us is not None else cdr.answered_us
    if heard is None and any(map(_was_refused, cdr.attempts.values())):
        heard = cdr.ended_us
    if heard is None or not cdr.sip_call_id:
        return None
    return max(0, (heard - cdr.started_us + 500) // 1000)


def _was_refused(attempt: AttemptRecord) -> bool:
    code = attempt.sip_status
    return attempt.outcome == "failed" and code is not None and code not in NOT_RECEIVED
