"""489: the event package is not known.

Proof: 489 Bad Event.
Traps: presence of a softphone at a PBX without it is harmless noise, never more than information.
Fix: turn presence off in the phone.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="ROUTE-08",
    title="Event package unknown (harmless)",
    severity="info",
    reference="RFC 6665 section 8.3.2",
    fix="Nothing has to be done; presence may be turned off in the phone.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per event package."""
    for exchange in facts_of(trace).finals(489):
        request = exchange.request
        event = request.value("Event") if request is not None else ""
        yield RULE.finding(
            f"{exchange.method} for {cut(event, 40) or 'an event'} was answered 489: the server does not offer it.",
            "Phones ask for presence, message waiting and the like; calls do not depend on it.",
            calls=[exchange.id],
            evidence=[quote(exchange.final), quote(request, "Event")],
            key=f"{exchange.method}:{event}",
            method=exchange.method,
        )
