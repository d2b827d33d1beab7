"""The same packets were captured twice.

Proof: same IP id and payload within 5 ms, on another interface, VLAN or hop.
Traps: network duplicates come later (QUAL-04); retransmissions of SIP come 500 ms later at the earliest.
Fix: capture one interface. The copies are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-03",
    title="Packets were captured twice",
    severity="info",
    reference="RFC 3261 section 17.1.1.2 (T1) tells copies from retransmissions",
    fix="Capture on one interface instead of any.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """At most one finding."""
    copies = [message for message in trace.messages if message.duplicate_of is not None]
    packets = sum(stream.captured_twice for stream in trace.media.streams)
    if not copies and not packets:
        return
    first = copies[0] if copies else None
    evidence = [quote(first), quote(trace.messages[first.duplicate_of or 0])] if first is not None else []
    yield RULE.finding(
        f"{len(copies)} SIP messages and {packets} RTP packets are in the capture twice.",
        "The capture saw them on two interfaces or twice on their way. They are counted once.",
        evidence=evidence,
        key="twice",
    )
