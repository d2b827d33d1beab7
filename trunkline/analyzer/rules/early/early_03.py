"""Slow post-dial delay.

Proof: from the INVITE (the last try, with credentials) to the first 18x or the answer it takes more than 4 s; more than
10 s is critical.
Traps: mobile and foreign routes take long. Only the first hop of a call counts.
Fix: DNS, routes, and timers of the failover.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="EARLY-03",
    title="Slow post-dial delay",
    severity="warn",
    reference="RFC 6076 section 4.3 (session request delay)",
    fix="Check DNS, the order of routes, and how long each waits before the next is tried.",
    needs=("time", "both_directions"),
)
SLOW, VERY_SLOW = 4.0, 10.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per gravity."""
    told: set[str] = set()
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request = exchange.request
        if request is None or request.time is None or not exchange.initial or exchange.id in told:
            continue
        first = next((m for m in exchange.transaction.responses if 100 < m.status < 300), None)
        if first is None or first.time is None:
            continue
        told.add(exchange.id)
        delay = first.time - request.time
        if delay <= SLOW:
            continue
        yield RULE.finding(
            f"{delay:.1f} s passed from the INVITE to the first sign of ringing ({first.status}).",
            "Callers hear nothing for so long and hang up. Something on the way waits: a lookup, a dead route, a "
            "slow network.",
            calls=[exchange.id],
            evidence=[quote(request), quote(first)],
            severity="critical" if delay > VERY_SLOW and first.status < 200 else "warn",
            confidence="strong" if first.status < 200 else "hint",
            key=f"very:{delay > VERY_SLOW}",
            values=values_of(exchange.hop, request, first),
        )
