"""The codec changes within a stream.

Proof: the payload type changes, events and comfort noise aside.
Traps: expected after a re-INVITE. What was not negotiated is COD-02, or one packet that opens the way through a NAT.
Fix: none.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="COD-08",
    title="Codec changes mid-call",
    severity="info",
    reference="RFC 3264 section 8.3",
    fix="Nothing has to change; pin one codec if there is a click or a silence at the change.",
    needs=("media",),
)
FEW = 3
"""Packets: fewer of a kind are no talk."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of payload types."""
    for flow in flows_of(trace):
        counts = flow.stream.payload_types
        described = {text for _, section in (*flow.receiver_says, *flow.sender_says) for text in section.formats}
        for _, before, after, place in flow.stream.payload_type_changes:
            if described and not {str(before), str(after)} <= described:
                continue
            if min(counts.get(before, 0), counts.get(after, 0)) < FEW:
                continue
            yield RULE.finding(
                f"{flow.stream.src} changes from payload type {before} to {after}.",
                ("Both codecs are in the SDP, so a" if described else "A")
                + " sender may change at any packet; some receivers take a moment.",
                calls=flow.calls,
                evidence=[flow.quoted(f"payload type {before} → {after} at frame {place.frame}")],
                key=f"{before}:{after}",
            )
            break
