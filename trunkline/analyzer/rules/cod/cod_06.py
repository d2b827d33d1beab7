"""Another codec each way.

Proof: the streams of the two directions of one hop carry different codecs.
Traps: legal.
Fix: pin one codec, if equipment cannot do it.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import Flow, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="COD-06",
    title="Different codec each way",
    severity="info",
    reference="RFC 3264 section 5.1",
    fix="Nothing has to change; pin one codec if audio is missing in one direction.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of codecs."""
    sides: dict[tuple[str, str], Flow] = {}
    for flow in flows_of(trace):
        if flow.hop is None or not flow.receiver or not flow.stream.codec or flow.stream.packets < 50:
            continue
        if flow.is_audio:
            sides.setdefault((f"{flow.hop.id}:{flow.hop.dialog.call_id}", flow.receiver), flow)
    for (hop, side), flow in sides.items():
        other = sides.get((hop, "callee")) if side == "caller" else None
        if other is None or other.stream.codec.lower() == flow.stream.codec.lower():
            continue
        yield RULE.finding(
            f"{flow.stream.src} sends {flow.stream.codec}, {other.stream.src} sends {other.stream.codec}.",
            "Allowed: each side sends what the other takes. Some equipment expects the same codec both ways.",
            calls=flow.calls,
            evidence=[flow.quoted(flow.stream.codec), other.quoted(other.stream.codec)],
            key=f"{flow.stream.codec}:{other.stream.codec}",
        )
