"""Reordered or duplicated packets.

Proof: sequence numbers that come again or go back.
Traps: what the capture itself doubled (CAP-03) is not counted.
Fix: multipath or bonded links.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.stream import Stream
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-04",
    title="Reordered or duplicated RTP",
    severity="info",
    reference="RFC 3550 appendix A.1",
    fix="Look for bonded links or two paths that share the packets.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        stream = flow.stream
        if stream.packets < 50 or stream.reordered + stream.duplicates < max(3, stream.packets // 500):
            continue
        yield RULE.finding(
            f"From {stream.src} {_counts(stream)}.",
            "A jitter buffer sorts them; what comes too late is lost.",
            calls=flow.calls,
            evidence=[flow.quoted(f"{stream.duplicates} duplicates, {stream.reordered} reordered")],
            key=stream.src.ip,
        )


def _counts(stream: Stream) -> str:
    told = ((stream.duplicates, "come twice"), (stream.reordered, "come out of order"))
    return " and ".join(f"{count} packet{'s' * (count != 1)} {how}" for count, how in told if count)
