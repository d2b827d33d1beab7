"""A text log without direction, address or time.

Proof: messages without a time or without peers (pasted ones).
Traps: timer rules do not run on these; the order alone is used.
Fix: a log with dates, milliseconds and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-06",
    title="Messages without time or address",
    severity="info",
    reference="how logs work, no standard",
    fix="Let the PBX log each message with date, milliseconds and both addresses.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """At most one finding."""
    timeless = [message for message in trace.messages if message.time is None]
    placeless = [message for message in trace.messages if message.src is None]
    if not timeless and not placeless:
        return
    first = (timeless or placeless)[0]
    what = [f"{len(found)} have no {name}" for found, name in ((timeless, "time"), (placeless, "address")) if found]
    yield RULE.finding(
        f"Of {len(trace.messages)} messages {' and '.join(what)}.",
        "What depends on time (retransmissions, delays) or on addresses (NAT, direction) is not judged for these.",
        evidence=[quote(first)],
        key="log",
    )
