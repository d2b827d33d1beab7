"""A normal call that came to nothing: busy, not there, declined, given up.

Proof: 486, 600, 480, 603 or 487.
Traps: this is no error and must not be shown as one. A 603 or 480 that comes before any ringing may be the provider's
(ROUTE-12).
Fix: none.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import about
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="ROUTE-09",
    title="Normal unsuccessful call",
    severity="info",
    reference="RFC 3261 sections 21.4.18, 21.4.24, 21.4.25 and 21.6",
    fix="Nothing has to be done.",
)
WORDS = {
    480: "the callee is not there",
    486: "busy",
    487: "the caller gave up",
    600: "busy everywhere",
    603: "declined",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per status."""
    facts = facts_of(trace)
    for exchange in facts.finals(480, 486, 487, 600, 603):
        final = exchange.final
        if final is None or exchange.method != "INVITE" or not exchange.initial or final.index in facts.hints:
            continue
        if about(final) not in ("", "source"):
            continue
        if (
            final.status in (480, 603)
            and exchange.hop.termination
            and not exchange.rang
            and (exchange.delay or 9) < 0.5
        ):
            continue
        yield RULE.finding(
            f"A call ended with {final.status}: {WORDS[final.status]}.",
            "People are busy, do not answer or change their mind: the trunk did what it should.",
            calls=[exchange.id],
            evidence=[quote(final)],
            key=str(final.status),
        )
