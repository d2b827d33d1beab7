"""What the edge is told to do with a dialog-forming request, and the plan that it keeps for the next attempts.

A `Relay` becomes a `Plan` (`plan_of`). The edge keeps the plan as JSON in the transaction (`plan_to_json`), takes it
out in the failure route (`plan_from_json`), asks `failover` and either sends `plan.current` after `advance` or
answers the caller.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, Literal

from trunkline.core.cause import Cause
from trunkline.core.cause_row import LogLevel, error_header
from trunkline.core.policy import NO_ANSWER_AFTER, NO_PROVISIONAL_AFTER
from trunkline.core.record import record

Direction = Literal["trunking-terminating", "trunking-originating"]
Header = tuple[str, str]

TERMINATION: Direction = "trunking-terminating"
ORIGINATION: Direction = "trunking-originating"

LONGEST_CALL = 86_400
"""Seconds that a call may last at most unless its trunk says less (twilio.md 1.2)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the account should read although the call goes on."""

    cause: Cause
    code: int
    level: LogLevel
    text: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """Ask for credentials: 407 for INVITE, 401 for REGISTER. No event, no record: it is half of one request (RFC 3261
    22.3).
    """

    status: int
    reason: str
    headers: tuple[Header, ...]
    """Proxy-Authenticate or WWW-Authenticate, one per algorithm offered."""
    stale: bool = False
    repeatable: bool = False
    """Whoever sends an INVITE without credentials from the same address to the same host may get this very answer for a
    tenth of a second: the edge then gives it without asking again."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse with a final status. The call is recorded."""

    cause: Cause
    sip_status: int
    reason: str
    text: str
    """What X-Twilio-Error says behind the code: nothing that the sender did not send itself."""
    explanation: str
    """The longer text of the account's alert."""
    direction: Direction
    account_sid: str | None = None
    """The account whose record and alert this is. Also set where the sender is not authenticated: it is never told."""
    trunk_sid: str | None = None
    caller: str = ""
    """As asked for, normalised where possible."""
    called: str = ""

    @property
    def error_code(self) -> int | None:
        return self.cause.code

    @property
    def headers(self) -> tuple[Header, ...]:
        """X-Twilio-Error, where the cause has a code."""
        header = error_header(self.cause.code, self.text)
        return () if header is None else (header,)


@record
class Terms:
    """What a carrier wants or costs that is not what every carrier does."""

    own_identity: bool = False
    """The call's carriers do not all want the caller in the same form: `from_uri` and `Target.headers` say it."""
    from_uri: str | None = None
    """With `own_identity`: the URI of From; None: From stays as it is."""
    credentials: bool = False
    """It has credentials for us: its challenge is answered."""
    authorized: bool = False
    """Its challenge has been answered, which is done once."""
    cps: float | None = None
    """Calls that it takes per second; None: no limit."""
    calls: int | None = None
    """Calls that it takes at a time; None: no limit."""
    rate: tuple[int, int, int] | None = None
    """As in `routing_data.RateRow`: micros per minute, seconds that are billed at least and at a time."""

    @property
    def limited(self) -> bool:
        return self.cps is not None or self.calls is not None


@record
class Target:
    """One place to send the INVITE to."""

    target_sid: str
    """CT… (carrier target) or OU… (origination URL)."""
    carrier_sid: str | None
    ruri: str
    """The Request-URI of this attempt."""
    transport: str
    """`udp`, `tcp` or `tls`; the Request-URI says the same."""
    next_hop: str | None = None
    """Where to send it when that is not what the Request-URI says; a SIP URI."""
    no_provisional_after: float = NO_PROVISIONAL_AFTER
    """Seconds without any response after which the attempt has failed."""
    no_answer_after: float = NO_ANSWER_AFTER
    """Seconds after the newest provisional response without a final one after which it has failed."""
    headers: tuple[Header, ...] = ()
    """Added to the INVITE of this attempt alone."""
    redirected: bool = False
    """A PBX's 3xx named it: no further redirect is followed."""
    terms: Terms | None = None
    """None: nothing that is not usual."""
    named: bool = False
    """The host of the Request-URI is a name (`host_name`); with `next_hop`, that is one of its addresses."""
    other_address: bool = False
    """Of the same target as the one before it: tried only where that address was not there."""


@record
class Relay:
    """Send the call on: to the first target, then by `failover` to the others."""

    direction: Direction
    account_sid: str
    trunk_sid: str
    caller: str
    """+E.164 where it is known; what From said otherwise (origination of an anonymous call)."""
    called: str
    targets: tuple[Target, ...]
    """At least one, in the order of attempts."""
    media_mode: str
    """One letter, see `media`."""
    replace_caller_id: str | None = None
    """+E.164 to put into From and P-Asserted-Identity towards the carrier; None: leave From as it is."""
    alerts: tuple[Alert, ...] = ()
    headers: tuple[Header, ...] = ()
    """Added to the INVITE of every attempt."""
    longest: int = LONGEST_CALL
    """Seconds after its answer at which the call is ended."""


@dataclass(frozen=True, slots=True)
class MayRegister:
    """The REGISTER is a customer's: what becomes of its contacts says `registration`."""

    account_sid: str
    trunk_sid: str


Decision = Challenge | Reject | Relay | MayRegister


class PlanError(ValueError):
    """The text is not a plan that `plan_to_json` of this version wrote."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer that the caller may get."""

    status: int
    reason: str


@record
class Plan:
    """The state of a call that is being set up: all that the failure route needs to go on."""

    call_sid: str
    direction: Direction
    account_sid: str
    trunk_sid: str
    caller: str
    called: str
    media_mode: str
    replace_caller_id: str | None
    headers: tuple[Header, ...]
    n: int
    """Number of the attempt that is under way, from 0."""
    current: Target
    """Where it went."""
    remaining: tuple[Target, ...]
    """What is left to try."""
    best: Answer | None = None
    """Best answer of the attempts before this one (`failover`)."""

    @staticmethod
    def of_lone_target(call_sid: str) -> Plan:
        """The plan of a termination call at its only target: nothing of it but the call is needed any more."""
        return Plan(call_sid, TERMINATION, "", "", "", "", "p", None, (), 0, Target("", None, "", "udp"), ())


def plan_of(relay: Relay, call_sid: str) -> Plan:
    """The plan at its first attempt."""
    return Plan(
        call_sid,
        relay.direction,
        relay.account_sid,
        relay.trunk_sid,
        relay.caller,
        relay.called,
        relay.media_mode,
        relay.replace_caller_id,
        relay.headers,
        0,
        relay.targets[0],
        relay.targets[1:],
    )


def advance(plan: Plan, best: Answer | None) -> Plan:
    """The plan at its next attempt. Raises PlanError when nothing remains (`failover` says Stop then)."""
    if not plan.remaining:
        raise PlanError("no target remains: ask failover before advancing")
    return Plan(
        plan.call_sid,
        plan.direction,
        plan.account_sid,
        plan.trunk_sid,
        plan.caller,
        plan.called,
        plan.media_mode,
        plan.replace_caller_id,
        plan.headers,
        plan.n + 1,
        plan.remaining[0],
        plan.remaining[1:],
        best,
    )


def again(plan: Plan, target: Target) -> Plan:
    """The same attempt once more, with what was missing (credentials)."""
    return replace(plan, current=target)


def with_next(plan: Plan, target: Target) -> Plan:
    """The plan with this target before those that remain."""
    return replace(plan, remaining=(target, *plan.remaining))


_PLAN_VERSION = 4
_quoted = encode_basestring_ascii


@lru_cache(maxsize=4096, typed=True)
def _known(value: str | float | None) -> str:
    """What comes again and again: SIDs, seconds, words."""
    return json.dumps(value)


def _headers_json(headers: tuple[Header, ...]) -> str:
    return "[" + ",".join([f"[{_quoted(name)},{_quoted(value)}]" for name, value in headers]) + "]" if headers else "[]"


def _target_json(target: Target) -> str:
    return (
        f"[{_known(target.target_sid)},{_known(target.carrier_sid)},{_quoted(target.ruri)},{_known(target.transport)},"
        f"{_known(target.next_hop)},{_known(target.no_provisional_after)},{_known(target.no_answer_after)},"
        f"{_headers_json(target.headers)},{'true' if target.redirected else 'false'},"
        f"{'null' if target.terms is None else _terms_json(target.terms)},"
        f"{'true' if target.named else 'false'},{'true' if target.other_address else 'false'}]"
    )


def _terms_json(terms: Terms) -> str:
    return json.dumps(
        [terms.own_identity, terms.from_uri, terms.credentials, terms.authorized, terms.cps, terms.calls, terms.rate]
    )


def _terms_from(row: list[Any]) -> Terms:
    own, from_uri, credentials, authorized, cps, calls, rate = row
    found = None if rate is None else (rate[0], rate[1], rate[2])
    return Terms(own, from_uri, credentials, authorized, cps, calls, found)


def _target_from(row: list[Any]) -> Target:
    sid, carrier, ruri, transport, next_hop, provisional, answer, headers, redirected, terms, named, other = row
    return Target(
        sid,
        carrier,
        ruri,
        transport,
        next_hop,
        provisional,
        answer,
        _headers_from(headers),
        redirected,
        None if terms is None else _terms_from(terms),
        named,
        other,
    )


def _headers_from(rows: list[list[str]]) -> tuple[Header, ...]:
    return tuple([(name, value) for name, value in rows])


def plan_to_json(plan: Plan) -> str:
    """Compact JSON in ASCII, of about 200 bytes and 100 more per target."""
    # Put together by hand: json takes three times as long, and every call needs its plan, though few calls use it.
    best = "null" if plan.best is None else f"[{plan.best.status},{_quoted(plan.best.reason)}]"
    remaining = ",".join([_target_json(target) for target in plan.remaining]) if plan.remaining else ""
    return (
        f"[{_PLAN_VERSION},{_quoted(plan.call_sid)},{_known(plan.direction)},{_known(plan.account_sid)},"
        f"{_known(plan.trunk_sid)},{_quoted(plan.caller)},{_quoted(plan.called)},{_known(plan.media_mode)},"
        f"{_known(plan.replace_caller_id)},{_headers_json(plan.headers)},{plan.n},{_target_json(plan.current)},"
        f"[{remaining}],{best}]"
    )


def plan_from_json(text: str) -> Plan:
    """The plan back. Raises PlanError."""
    try:
        version, sid, direction, account, trunk, caller, called, mode, replace, headers, n, current, rest, best = (
            json.loads(text)
        )
        if version != _PLAN_VERSION:
            raise PlanError(f"a plan of version {version!r}; this program reads {_PLAN_VERSION}")
        return Plan(
            sid,
            direction,
            account,
            trunk,
            caller,
            called,
            mode,
            replace,
            _headers_from(headers),
            n,
            _target_from(current),
            tuple([_target_from(row) for row in rest]),
            None if best is None else Answer(best[0], best[1]),
        )
    except PlanError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, RecursionError) as error:
        raise PlanError(f"not a plan: {error}") from None
