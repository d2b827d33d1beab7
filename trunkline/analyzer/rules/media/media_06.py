"""Audio stops or drops out in the middle of a call.

Proof: a gap of more than 300 ms with lost packets, or the last RTP of one direction more than 2 s before the BYE while
the other direction goes on.
Traps: hold, silence suppression, T.38 in the place of audio, pauses of the capture itself (CAP-07). A sender that
stands still for a moment and loses a packet besides is no drop-out of the network: what is missing has to fill the gap.
Fix: the link; time-outs of NAT.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.stream import Gap
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import OTHER, Flow, always_active, end_time, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-06",
    title="Audio drops out in mid-call",
    severity="warn",
    reference="RFC 3550",
    fix="Look for a link that flaps, or a NAT binding that ends while one side is silent.",
    needs=("media", "time"),
)

STRAY = 5
"""Packets that NAT keep-alives and probes send without audio."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind."""
    last: dict[tuple[int, str], float] = {}
    for flow in flows_of(trace):
        if flow.hop is not None and flow.receiver:
            key = (id(flow.hop), flow.receiver)
            last[key] = max(last.get(key, 0.0), flow.stream.last)
    for flow in flows_of(trace):
        if not flow.is_audio or flow.stream.packets <= STRAY:
            continue
        gap = flow.stream.packets >= 50 and next(
            (
                g
                for g in flow.stream.gaps
                if g.seconds > 0.3 and not g.excused and _is_loss(flow, g) and not _everywhere(trace, g)
            ),
            None,
        )
        if gap and _active(flow):
            yield RULE.finding(
                f"Nothing comes from {flow.stream.src} for {gap.seconds:.1f} s ({gap.lost} packets are missing).",
                "The listener hears a drop-out.",
                calls=flow.calls,
                evidence=[flow.quoted(f"gap of {gap.seconds:.2f} s, {gap.lost} lost")],
                key=f"{flow.stream.src.ip}:gap",
            )
        ended = end_time(flow)
        if ended is None or flow.hop is None or not _active(flow) or not flow.receiver_says or flow.stream.dtx:
            continue
        mine = last[id(flow.hop), flow.receiver]
        other = last.get((id(flow.hop), OTHER[flow.receiver]), 0.0)
        if flow.stream.last == mine and ended - mine > 2.0 and other - mine > 2.0:
            yield RULE.finding(
                f"Audio from {flow.stream.src} stops {ended - mine:.1f} s before the call is hung up; the other "
                "direction goes on.",
                "One side hears nothing any more, and hangs up.",
                calls=flow.calls,
                evidence=[flow.quoted(f"last packet {ended - mine:.1f} s before BYE")],
                confidence="strong",
                key=f"{flow.stream.src.ip}:stop",
            )


def _is_loss(flow: Flow, gap: Gap) -> bool:
    """Whether the missing packets are at least half of those that the gap would have held."""
    return gap.lost > 0 and gap.lost * (flow.stream.ptime_ms or 20.0) / 1000 >= 0.5 * gap.seconds


def _active(flow: Flow) -> bool:
    return flow.hop is None or not flow.receiver_says or always_active(flow)


def _everywhere(trace: Trace, gap: Gap) -> bool:
    """The whole capture paused."""
    return any(
        pause.start < gap.start + gap.seconds and gap.start < pause.start + pause.seconds
        for pause in trace.media.capture_gaps
    )
