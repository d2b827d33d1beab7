"""Both sides changed the call at once (glare).

Proof: 491 Request Pending.
Traps: once, with a retry that succeeds, it is normal.
Fix: direct media off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DLG-10",
    title="re-INVITE glare",
    severity="info",
    reference="RFC 3261 section 14.1",
    fix="Turn direct media off where it happens again and again.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding; a warning where a call has three or more."""
    count: dict[str, int] = defaultdict(int)
    for exchange in facts_of(trace).finals(491):
        count[exchange.id] += 1
        often = count[exchange.id] >= 3
        yield RULE.finding(
            f"{exchange.method} was answered 491: the other side was changing the call too."
            + (" It happens again and again." if often else ""),
            "Each side waits a moment and tries again, so this settles by itself.",
            calls=[exchange.id],
            evidence=[quote(exchange.final), quote(exchange.request)],
            severity="warn" if often else "info",
            key=f"often:{often}",
        )
