"""Two sources send into one port at the same time.

Proof: streams from different hosts to the same address and port overlap for more than a second after the answer.
Traps: early media of forked calls overlaps before the answer.
Fix: strict RTP, SRTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import Flow, answer_time, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-09",
    title="Two sources send into one port",
    severity="security",
    reference="RFC 3550 section 8.2, RFC 3711",
    fix="Let the receiver take RTP of one source only (strict RTP), or use SRTP.",
    needs=("media", "time", "addresses"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per receiver."""
    by_port: dict[tuple[str, int], list[Flow]] = {}
    for flow in flows_of(trace):
        if flow.stream.packets >= 50:
            by_port.setdefault((flow.stream.dst.ip, flow.stream.dst.port), []).append(flow)
    for flows in by_port.values():
        for one, other in pairwise(flows):
            begin = max(one.stream.first, other.stream.first, answer_time(one) or 0.0)
            overlap = min(one.stream.last, other.stream.last) - begin
            if one.stream.src.ip == other.stream.src.ip or overlap < 1.0:
                continue
            yield RULE.finding(
                f"{one.stream.src} and {other.stream.src} both send to {one.stream.dst} for {overlap:.1f} s.",
                "The listener hears both, or the wrong one: crosstalk, a stale call, or somebody who injects audio.",
                calls=[*one.calls, *other.calls],
                evidence=[one.quoted("first source"), other.quoted("second source")],
                confidence="strong",
                key=one.stream.dst.ip,
            )
            break
