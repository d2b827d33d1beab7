"""No RTCP.

Proof: streams of more than ten seconds, and not one RTCP packet in the capture.
Traps: many PBXs send none; with rtcp-mux it shares the port. A fact.
Fix: the port above each media port.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-10",
    title="No RTCP",
    severity="info",
    reference="RFC 3550 section 6",
    fix="Open the port above each media port, or switch RTCP on: it tells both sides about loss and delay.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per trace."""
    if trace.media.rtcp or any(flow.kind == "rtcp" for flow in trace.media.other):
        return
    long = [flow for flow in flows_of(trace) if flow.stream.duration > 10.0 and flow.stream.call]
    if long:
        yield RULE.finding(
            "1 stream of more than 10 s, and no RTCP for it."
            if len(long) == 1
            else f"{len(long):,} streams of more than 10 s, and no RTCP for any of them.",
            "Without it neither side knows what the other receives, and some equipment takes the call for dead.",
            calls=[call for flow in long for call in flow.calls],
            evidence=[long[0].quoted(f"{long[0].stream.duration:.0f} s without RTCP")],
            confidence="strong",
        )
