"""A stream starts anew within a call.

Proof: another SSRC, or a jump of the sequence, on the same pair of ports without a re-INVITE.
Traps: transfers and music on hold do that: a fact.
Fix: strict RTP settings, where audio is lost at the change.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-07",
    title="RTP starts anew without re-INVITE",
    severity="info",
    reference="RFC 3550 sections 5.1 and 8",
    fix="Let the receiver accept a new source (Asterisk: strictrtp=seqno), if audio is lost at the change.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not stream.restarts or stream.packets < 25:
            continue
        yield RULE.finding(
            f"{stream.src} starts a new stream to {stream.dst} in the middle of the call.",
            "Usual for a transfer or music on hold. Strict receivers drop audio of a source that they did not expect.",
            calls=flow.calls,
            evidence=[flow.quoted(f"SSRC 0x{stream.ssrc:08x}")],
            key=stream.src.ip,
        )
