"""One-way audio.

Proof: in an answered call with active media on both sides RTP goes one way for more than a second, and none comes back.
Traps: hold, announcements, captures that see one direction only, calls under 2 s. Where RTCP comes from where the
stream comes from, its sender hears something: only the capture misses it.
Fix: as for private addresses in SDP; direct media off; firewall.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.stream import Stream
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import answer_of
from trunkline.analyzer.rules.flows import OTHER, Flow, always_active, answer_time, end_time, flows_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="MEDIA-02",
    title="One-way audio",
    severity="critical",
    reference="RFC 3264 section 6.1, RFC 4961",
    fix="Check the address in the SDP of the side that hears nothing, and the UDP ports of its firewall.",
    needs=("media", "time", "addresses", "both_directions"),
)

STRAY = 5
"""Packets that NAT keep-alives and probes send without audio."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per direction and pair of hosts."""
    heard: dict[tuple[int, str], list[Flow]] = {}
    for flow in flows_of(trace):
        if flow.hop is not None and flow.receiver and flow.is_audio and _audible(flow.stream) > STRAY:
            heard.setdefault((id(flow.hop), flow.receiver), []).append(flow)
    sure = _some_call_is_heard_both_ways(heard)
    for (hop_id, receiver), flows in heard.items():
        flow = max(flows, key=lambda item: item.stream.duration)
        hop = flow.hop
        if hop is None or heard.get((hop_id, OTHER[receiver])) or not _is_long(trace, flow):
            continue
        if not flow.receiver_says or not flow.sender_says or not always_active(flow) or _has_rtcp(trace, flow):
            continue
        answer = answer_of(hop)
        if answer is None:
            continue
        silent = flow.receiver_says[-1][0]
        yield RULE.finding(
            f"RTP goes from {flow.stream.src} to {flow.stream.dst} for {flow.stream.duration:.0f} s, and none comes "
            "back.",
            f"The side of {flow.stream.src.ip} hears nothing. Its partner sends to an address that does not lead here, "
            "or a firewall drops the packets.",
            calls=flow.calls,
            evidence=[
                flow.quoted(f"{flow.stream.packets} packets this way, none the other way"),
                quote_sdp(flow.sender_says[-1][0], "c="),
                quote_sdp(silent, "c="),
            ],
            confidence="strong" if sure else "hint",
            key=f"{flow.stream.src.ip}:{flow.stream.dst.ip}",
            values=values_of(hop, answer.invite, answer.ok),
        )


def _audible(stream: Stream) -> int:
    """Packets with audio: keys can be pressed on a line that carries no voice."""
    return stream.packets - sum(event.packets for event in stream.events)


def _is_long(trace: Trace, flow: Flow) -> bool:
    """More than a second of audio after the answer, in a call of more than two."""
    answered, ended = answer_time(flow), end_time(flow) or trace.end
    if answered is None or ended is None or ended - answered < 2.0:
        return False
    return flow.stream.last - max(flow.stream.first, answered) > 1.0 and flow.stream.packets > 50


def _has_rtcp(trace: Trace, flow: Flow) -> bool:
    """Somebody reports to have received the direction that was not captured: reports go to its sender."""
    return any(
        report.dst.ip == flow.stream.dst.ip and report.src.ip == flow.stream.src.ip for report in trace.media.rtcp
    )


def _some_call_is_heard_both_ways(heard: dict[tuple[int, str], list[Flow]]) -> bool:
    """Whether the capture can see both directions at all; a single call has to be believed."""
    hops = {hop for hop, _ in heard}
    return len(hops) == 1 or any((hop, "caller") in heard and (hop, "callee") in heard for hop in hops)
