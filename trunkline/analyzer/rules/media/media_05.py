"""Audio starts late.

Proof: the first RTP of a direction comes more than half a second after the answer.
Traps: early media had begun before; hold; silence suppression.
Fix: whatever delays the media: ICE, DTLS, NAT, jitter buffer.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import OTHER, Flow, always_active, answer_time, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-05",
    title="Audio starts late",
    severity="warn",
    reference="RFC 3264 section 5.1",
    fix="Look for what delays media at the start: ICE, DTLS, a NAT that opens late, a bridge that waits.",
    needs=("media", "time", "both_directions"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and gravity."""
    first: dict[tuple[int, str], Flow] = {}
    for flow in flows_of(trace):
        if flow.hop is not None and flow.receiver and flow.is_audio:
            key = (id(flow.hop), flow.receiver)
            if key not in first or flow.stream.first < first[key].stream.first:
                first[key] = flow
    for (hop, receiver), flow in first.items():
        answered = answer_time(flow)
        if answered is None or not flow.sender_says or not always_active(flow) or flow.stream.packets < 50:
            continue
        late = flow.stream.first - answered
        if late < 0.5 or (hop, OTHER[receiver]) not in first:
            continue
        yield RULE.finding(
            f"The first audio from {flow.stream.src} comes {late:.1f} s after the answer.",
            "The other side misses the first words.",
            calls=flow.calls,
            evidence=[flow.quoted(f"first packet {late:.1f} s after the 200")],
            severity="critical" if late > 5.0 else "warn",
            confidence="strong" if late > 1.0 else "hint",
            key=f"{flow.stream.src.ip}:{late > 5.0}",
        )
