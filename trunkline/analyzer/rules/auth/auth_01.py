"""Challenged, but no credentials were ever sent.

Proof: 401 or 407 to an INVITE or REGISTER without credentials, and nothing with credentials from the same user, Call-ID
or From tag follows within 64 s, while the trace goes on.
Traps: the answer may come on a new Call-ID, or half a minute later when a person types the password. A trace that ends
soon proves nothing. Scanners never answer (AUTH-11); a stranger that a PBX
challenges is a hint only. A PBX that challenges its provider is AUTH-13.
Fix: give the trunk its user name and password.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import challenges
from trunkline.analyzer.rules.facts import Exchange, Facts, facts_of, waited
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-01",
    title="Challenged, but no credentials were ever sent",
    severity="critical",
    reference="RFC 3261 section 22.2",
    fix="Give the trunk the user name and password of its credential list.",
    needs=("time", "both_directions"),
)
LATEST = 64.0
"""Seconds in which an answer still counts: a person may type the password."""
SOON = 5.0
"""A program answers within this; a trace that ends earlier proves nothing."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per challenged user."""
    facts = facts_of(trace)
    answered: dict[tuple[str, str], list[float]] | None = None
    for exchange in facts.finals(401, 407):
        request, final = exchange.request, exchange.final
        if request is None or final is None or final.time is None or not _counts(exchange):
            continue
        if not waited(trace, final.time, SOON):
            continue
        if _answered_next(exchange, request.call_id, final.time):
            continue
        if answered is None:
            answered = _answered(facts)
        keys = _keys(exchange)
        if any(final.time - 1 <= time <= final.time + LATEST for key in keys for time in answered.get(key, ())):
            continue
        realm = next((challenge["realm"] for challenge in challenges(final)), "")
        user = request.from_.user if request.from_ is not None else ""
        yield RULE.finding(
            f"{exchange.method} of {user or 'the caller'} was answered {final.status} with a challenge"
            f"{f' for the realm {realm}' if realm else ''}, and no request with credentials followed.",
            "The server wants a user name and a password; the PBX knows none for this realm, so it gave up.",
            calls=[exchange.id],
            evidence=[
                quote(final, "Proxy-Authenticate" if final.status == 407 else "WWW-Authenticate"),
                quote(request),
            ],
            severity="critical" if exchange.hop.termination or exchange.method == "REGISTER" else "warn",
            confidence="strong" if exchange.hop.termination else "hint",
            key=f"{exchange.method}:{user}:{realm}",
            realm=realm,
            values=values_of(exchange.hop, request, final),
        )


def _counts(exchange: Exchange) -> bool:
    return (
        exchange.method in ("INVITE", "REGISTER")
        and not exchange.credentials
        and not exchange.hop.origination
        and exchange.hop.dialog.facing != "inside"
        and not is_scanner(exchange.request)
        and exchange.transaction.cancel is None
    )


def _answered_next(exchange: Exchange, call_id: str, asked: float) -> bool:
    """Whether the dialog itself goes on with credentials, as nearly all do: nobody needs to look for an answer then."""
    return bool(call_id) and any(
        later.credentials
        and later.request is not None
        and later.request.time is not None
        and asked - 1 <= later.request.time <= asked + LATEST
        for later in exchange.hop.after(exchange)
    )


def _keys(exchange: Exchange) -> list[tuple[str, str]]:
    request = exchange.request
    assert request is not None
    user = request.from_.user if request.from_ is not None else ""
    keys = (("id", request.call_id), ("tag", request.from_tag), ("user", user))
    return [key for key in keys if key[1]]


def _answered(facts: Facts) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for exchange in facts.exchanges:
        if exchange.credentials and exchange.request is not None and exchange.request.time is not None:
            for key in _keys(exchange):
                found.setdefault(key, []).append(exchange.request.time)
    return found
