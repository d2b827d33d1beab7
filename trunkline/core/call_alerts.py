"""Alerts that events of the spool raise. An alert's SID follows from what it is about, so raising it again adds
nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trunkline.core.cause import Cause, cause_texts
from trunkline.core.cdr import AttemptRecord, Cdr, Event
from trunkline.core.decision import ORIGINATION
from trunkline.core.event_fields import name, number, optional_number, text, time_us
from trunkline.core.failover import Failure, after_failure

HOUR_US = 3_600_000_000
LEVELS = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One row of `alerts`; the fields are its columns."""

    sid: str
    account_sid: str | None
    error_code: int
    log_level: str
    alert_text: str
    resource_sid: str | None
    """The call."""
    service_sid: str | None
    """The trunk."""
    generated_us: int
    request_variables: dict[str, Any]
    """What the platform saw."""


def alert_sid(*about: object) -> str:
    """NO and 32 hex digits, always the same ones for the same parts."""
    return "NO" + hashlib.blake2b("|".join(map(str, about)).encode(), digest_size=16).hexdigest()


def alerts_of_call(cdr: Cdr, event: Event) -> list[AlertRecord]:
    """What this event of a call raises, after `cdr.note`: a refusal, of the call or of a request within it, a failed
    origination attempt, nobody left to try."""
    kind = event["e"]
    if kind == "invite" and event["verdict"] == "reject":
        return _refusal(cdr, event)
    if kind == "attempt_failed" and cdr.direction == ORIGINATION:
        return _failed_attempt(cdr, event)
    if kind == "attempt_failed":
        return _carrier_refuses_us(cdr, event)
    if kind == "final" and event.get("error_code") is not None:
        return _nobody_left(cdr, event)
    if kind == "refused":
        return _refused_within(cdr, event)
    if kind == "ended" and cdr.cause is not None and event.get("cause") == cdr.cause:
        return _ended_by_edge(cdr, event)
    return []


def alert_of_edge(event: Event, place: str) -> AlertRecord:
    """An `alert` event: a refusal that is no call, or a word about a call that goes on. `place`: where it stood in
    the spool.

    Raises KeyError, TypeError or ValueError when it is not one.
    """
    code, call_sid = number(event["code"], 1, 999_999), name(event.get("sid"))
    seen = event.get("seen") or {}
    return AlertRecord(
        sid=alert_sid(call_sid, "edge", code) if call_sid else alert_sid(place, code),
        account_sid=name(event.get("account")),
        error_code=code,
        log_level=event["level"] if event.get("level") in LEVELS else "error",
        alert_text=text(event["text"]),
        resource_sid=call_sid,
        service_sid=name(event.get("trunk")),
        generated_us=time_us(event["at"]),
        request_variables={"source": text(event.get("source")), **{text(key): clean(seen[key]) for key in seen}},
    )


def clean(value: object) -> object:
    """A value of `seen` as JSON that every database takes."""
    return value if value is None or isinstance(value, int) else text(str(value))


def _refusal(cdr: Cdr, event: Event) -> list[AlertRecord]:
    code = optional_number(event["code"])
    if code is None:
        return []
    seen = {"ruri": text(event.get("ruri")), "user_agent": cdr.user_agent}
    return [_alert(cdr, code, _level(cdr.cause), text(event["text"]), cdr.started_us, "refused", seen)]


def _failed_attempt(cdr: Cdr, event: Event) -> list[AlertRecord]:
    """32011 wherever failover would have gone on: the PBX could not be talked to. A busy callee is no such failure."""
    attempt = cdr.attempts[number(event["n"], 0, 999)]
    if event.get("redirected") or event.get("ours"):
        return []
    if attempt.outcome != "failed" or not (event.get("next") or _is_failover(event, attempt)):
        return []
    cause = Cause.ORIGINATION_ATTEMPT_FAILED
    why = attempt.next or f"{attempt.sip_status} {attempt.sip_reason}"
    sentence = cause_texts(cause, {"url": attempt.uri, "why": why})[1]
    seen = {"url": attempt.uri, "origination_url_sid": attempt.target_sid, "attempt": attempt.n}
    seen |= {"sip_status": attempt.sip_status, "sip_reason": attempt.sip_reason}
    at_us = attempt.ended_us or cdr.started_us
    return [_alert(cdr, cause.code or 0, cause.level, sentence, at_us, attempt.n, seen)]


def _carrier_refuses_us(cdr: Cdr, event: Event) -> list[AlertRecord]:
    """For the operator, once an hour for each carrier: 401, 403 and 407 are about us, and not about the callee."""
    attempt = cdr.attempts[number(event["n"], 0, 999)]
    if attempt.sip_status not in (401, 403, 407) or event.get("local") or attempt.carrier_sid is None:
        return []
    cause, at_us = Cause.CARRIER_REFUSES_US, attempt.ended_us or cdr.started_us
    seen: dict[str, Any] = {
        "carrier": attempt.carrier_sid, "url": attempt.uri, "status": attempt.sip_status, "why": attempt.next,
    }  # fmt: skip
    sid = alert_sid(attempt.carrier_sid, cause.name, at_us // HOUR_US)
    sentence = cause_texts(cause, seen)[1]
    more = {"cause": cause.name, "target": attempt.target_sid, "call_sid": cdr.sid}
    return [AlertRecord(sid, None, cause.code or 0, cause.level, sentence, None, None, at_us, seen | more)]


def _is_failover(event: Event, attempt: AttemptRecord) -> bool:
    failure = Failure(
        status=attempt.sip_status or 408,
        reason=attempt.sip_reason,
        local=bool(event.get("local")),
        replied=not event.get("local"),
        ringing=attempt.ringing_us is not None,
    )
    return after_failure(failure, ORIGINATION, 0, None).attempt_cause is not None


def _nobody_left(cdr: Cdr, event: Event) -> list[AlertRecord]:
    row = Cause.__members__.get(cdr.cause or "")
    if cdr.error_code is None:  # the call was answered all the same
        return []
    seen = {"called": cdr.called, "caller": cdr.caller, "trunk": cdr.trunk_sid, "account": cdr.account_sid}
    sentence = cause_texts(row, {**seen})[1] if row else f"The call failed: {text(event.get('reason'))}"
    return [_alert(cdr, cdr.error_code, _level(cdr.cause), sentence, cdr.ended_us or cdr.started_us, "final", {})]


def _ended_by_edge(cdr: Cdr, event: Event) -> list[AlertRecord]:
    """The edge ended an answered call."""
    row = Cause.__members__.get(cdr.cause or "")
    if row is None or row.code is None:
        return []
    seen = {"called": cdr.called, "caller": cdr.caller, "trunk": cdr.trunk_sid, "account": cdr.account_sid}
    sentence = cause_texts(row, {**seen, "limit": event.get("limit", "-")})[1]
    return [_alert(cdr, row.code, row.level, sentence, cdr.ended_us or cdr.started_us, "ended", {})]


def _refused_within(cdr: Cdr, event: Event) -> list[AlertRecord]:
    """A request within the call was refused: once for each cause, however often it came."""
    row = Cause.__members__.get(str(event["cause"]))
    if row is None or row.code is None:
        return []
    source = text(event.get("source")) or cdr.source_address
    seen = {"called": cdr.called, "caller": cdr.caller, "trunk": cdr.trunk_sid, "source": source}
    sentence, more = cause_texts(row, {**seen})[1], {"cause": row.name, "source": source}
    return [_alert(cdr, row.code, row.level, sentence, time_us(event["at"]), row.name, more)]


def _level(cause: str | None) -> str:
    row = Cause.__members__.get(cause or "")
    return row.level if row else "error"


def _alert(
    cdr: Cdr, code: int, level: str, sentence: str, at_us: int, about: object, more: Mapping[str, Any]
) -> AlertRecord:
    seen = {
        "call_sid": cdr.sid, "sip_call_id": cdr.sip_call_id, "direction": cdr.direction, "from": cdr.caller,
        "to": cdr.called, "source": cdr.source_address, "sip_status": cdr.sip_status, **more,
    }  # fmt: skip
    sid = alert_sid(cdr.sid, about, code)
    return AlertRecord(sid, cdr.account_sid, code, level, sentence, cdr.sid, cdr.trunk_sid, at_us, seen)
