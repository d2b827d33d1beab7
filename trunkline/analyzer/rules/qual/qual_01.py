"""Packet loss.

Proof: distinct sequence numbers that are missing, over the extended range.
Traps: pauses with continuing numbers are silence suppression; duplicates do not make up for loss; a capture that pauses
loses packets of all streams at once (CAP-07).
Fix: the link, duplex, Wi-Fi, QoS.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-01",
    title="Packet loss",
    severity="warn",
    reference="RFC 3550 appendix A.3",
    fix="Look at the link between sender and capture: duplex, Wi-Fi, a full uplink, QoS.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and gravity."""
    for flow in flows_of(trace):
        stream = flow.stream
        share = stream.loss_share
        if share <= 0.01 or stream.lost < 3 or stream.expected < 100 or (stream.heuristic and stream.packets < 50):
            continue
        grave = share > 0.03
        yield RULE.finding(
            f"{share:.1%} of the packets from {stream.src} are lost ({stream.lost} of {stream.expected}; longest run "
            f"{stream.max_burst}, worst 10 s {stream.worst_10s_loss:.1%}).",
            "From 1 % on loss can be heard; from 3 % on words are lost.",
            calls=flow.calls,
            evidence=[flow.quoted(f"lost {stream.lost} of {stream.expected}, longest run {stream.max_burst}")],
            severity="critical" if grave else "warn",
            key=f"{stream.src.ip}:{grave}",
        )
