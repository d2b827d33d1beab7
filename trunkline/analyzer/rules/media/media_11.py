"""Media is not marked for priority.

Proof: the DSCP of RTP is not EF (46).
Traps: the Internet resets marks: a fact.
Fix: the PBX's setting for audio.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import Flow, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-11",
    title="RTP without priority mark",
    severity="info",
    reference="RFC 4594 section 4.1, RFC 3246",
    fix="Mark audio as EF (DSCP 46) where your own network honours it.",
    needs=("media",),
)

MOST_NAMED = 6


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per mark."""
    marked: dict[int, list[Flow]] = {}
    for flow in flows_of(trace):
        stream = flow.stream
        if stream.dscp in (None, 46) or stream.packets < 50 or not stream.call or not flow.is_audio:
            continue
        marked.setdefault(stream.dscp or 0, []).append(flow)
    for dscp, flows in marked.items():
        senders = list(dict.fromkeys(flow.stream.src.ip for flow in flows))
        named = ", ".join(senders[:MOST_NAMED]) + (
            f" and {len(senders) - MOST_NAMED} more" * (len(senders) > MOST_NAMED)
        )
        yield RULE.finding(
            f"Audio from {named} is marked with DSCP {dscp}, not 46 (EF).",
            "On a busy link it waits behind downloads, which is heard as jitter and loss.",
            calls=[call for flow in flows for call in flow.calls],
            evidence=[flow.quoted(f"DSCP {dscp}") for flow in flows[:MOST_NAMED]],
            key=str(dscp),
        )
