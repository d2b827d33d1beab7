"""Packets flow and carry silence.

Proof: more than 90 % of a stream of more than 5 s decodes to less than -65 dBm0, or every packet is the same.
Traps: mute, hold, somebody who only listens: a hint, and strong only where every packet is alike.
Fix: microphone and gain, transcoding, one-way bridges.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import always_active, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-05",
    title="RTP carries only silence",
    severity="critical",
    reference="ITU-T G.711, RFC 3551 section 4.5.14",
    fix="Check microphone, mute and gain at the sender; then transcoding and bridges on the way.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind."""
    for flow in flows_of(trace):
        stream = flow.stream
        if stream.silence_share is None or stream.duration < 5.0 or stream.packets < 200:
            continue
        if stream.silence_share <= 0.9 and not stream.constant_payload:
            continue
        if flow.receiver_says and not always_active(flow):
            continue
        same = stream.constant_payload
        yield RULE.finding(
            f"{stream.src} sends {stream.duration:.0f} s of RTP, and "
            f"{'every packet is the same' if same else 'nearly all of it is silence'}.",
            "The other side hears nothing, although packets arrive: mute, no microphone, or a bridge that loses audio.",
            calls=flow.calls,
            evidence=[flow.quoted(f"{stream.silence_share:.0%} below -65 dBm0")],
            severity="critical" if same else "warn",
            confidence="strong" if same else "hint",
            key=f"{stream.src.ip}:{same}",
        )
