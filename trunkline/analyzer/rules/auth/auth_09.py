"""The registration lapses, or its contact changes each time.

Proof: the next successful REGISTER of a user comes later than the time that was granted; or three refreshes in a row
each bring another contact address.
Traps: what counts is the time that the 200 grants, not what was asked for. A client that signed off, or that is gone at
the end of the capture, has not lapsed.
Fix: refresh earlier, below the timeout of the NAT (30 to 180 s for UDP).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from trunkline.analyzer.addresses import same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.uris import contact_of, contacts_of
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-09",
    title="Registration lapses or flaps",
    severity="warn",
    reference="RFC 3261 sections 10.2.4 and 10.3",
    fix="Refresh the registration well before it ends, and below the UDP timeout of the NAT.",
    needs=("time", "both_directions"),
)
GRACE = 2.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per user."""
    users: dict[str, list[Exchange]] = {}
    for exchange in facts_of(trace).by_method.get("REGISTER", ()):
        request, final = exchange.request, exchange.final
        if request is None or final is None or not 200 <= final.status < 300 or final.time is None:
            continue
        if request.to is not None and request.has("Contact") and exchange.hop.dialog.kind == "registration":
            users.setdefault(f"{request.to.user}@{request.to.host}:{request.call_id}", []).append(exchange)
    for exchanges in users.values():
        yield from _lapses(exchanges)
        yield from _flaps(exchanges)


def _lapses(exchanges: list[Exchange]) -> Iterator[Finding]:
    for before, after in itertools.pairwise(exchanges):
        granted = _granted(before)
        if granted is None or granted <= 0 or before.final is None or after.final is None or after.request is None:
            continue
        gap = (after.request.time or 0.0) - (before.final.time or 0.0)
        if gap <= granted + GRACE:
            continue
        user = after.request.to.user if after.request.to is not None else ""
        yield RULE.finding(
            f"The registration of {user} was granted for {granted} s, and the next one came {gap:.0f} s later: for "
            f"{gap - granted:.0f} s nobody could be reached.",
            "When the granted time is over, the registrar forgets the contact, and calls fail with 404 or 480.",
            calls=[before.id, after.id],
            evidence=[quote(before.final, "Contact"), quote(after.request)],
            key=f"lapse:{user}",
            expires=max(60, granted // 2),
            values=values_of(after.hop, after.request, after.final),
        )
        return


def _granted(exchange: Exchange) -> int | None:
    """Seconds by the 200: the parameter of the contact that was registered, else Expires, else what was asked."""
    mine = contact_of(exchange.request)
    for given in contacts_of(exchange.final):
        if (
            mine is not None
            and given.user == mine.user
            and same_host(given.host, mine.host)
            and given.port == mine.port
        ):
            text = given.params.get("expires") or ""
            if text.isdigit() and len(text) < 10:
                return int(text)
    text = exchange.final.value("Expires").strip() if exchange.final is not None else ""
    return int(text) if text.isdigit() and len(text) < 10 else None


def _flaps(exchanges: list[Exchange]) -> Iterator[Finding]:
    places: list[str] = []
    for exchange in exchanges:
        contact = contact_of(exchange.request)
        if contact is not None:
            places.append(f"{contact.host}:{contact.port or 5060}")
    if len(places) < 4 or len(set(places)) < len(places):
        return
    last = exchanges[-1]
    yield RULE.finding(
        f"{len(places)} registrations in a row each brought another contact: {cut(', '.join(places[:4]), 120)}.",
        "Each refresh replaces the address that calls are sent to; calls in between go to one that is gone.",
        calls=[last.id],
        evidence=[quote(exchange.request, "Contact") for exchange in exchanges[-4:]],
        confidence="strong",
        key=f"flap:{places[-1]}",
        values=values_of(last.hop, last.request, last.final),
    )
