"""Jitter.

Proof: interarrival jitter of RFC 3550 above 20 ms on average or 50 ms at its peak.
Traps: events and comfort noise are left out; senders that pack pairs make jitter themselves, which no network can mend.
Fix: a jitter buffer, QoS.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-02",
    title="Jitter",
    severity="warn",
    reference="RFC 3550 section 6.4.1",
    fix="Use an adaptive jitter buffer, and give audio priority on the link.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not flow.is_audio or stream.packets < 100 or stream.paired:
            continue
        if stream.jitter_mean_ms <= 20 and stream.jitter_max_ms <= 50:
            continue
        yield RULE.finding(
            f"Packets from {stream.src} come unevenly: jitter {stream.jitter_mean_ms:.1f} ms on average, "
            f"{stream.jitter_max_ms:.1f} ms at most.",
            "What comes too late for the jitter buffer is lost to the listener.",
            calls=flow.calls,
            evidence=[flow.quoted(f"jitter mean {stream.jitter_mean_ms:.1f} ms, max {stream.jitter_max_ms:.1f} ms")],
            confidence="proven" if stream.jitter_mean_ms > 20 else "strong",
            key=stream.src.ip,
        )
