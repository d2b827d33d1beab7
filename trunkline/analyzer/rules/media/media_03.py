"""RTP goes to another place than the SDP says.

Proof: a stream that leaves the sender's SDP port goes to an address or port which the receiver never named, and from
which nothing had come.
Traps: answering to where packets come from is right (symmetric RTP); ICE chooses its own pair.
Fix: symmetric RTP off at the sender, SIP ALG off.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.flows import Flow, answer_time, flows_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-03",
    title="RTP sent to another place than the SDP says",
    severity="critical",
    reference="RFC 3264 section 5.1",
    fix="Switch SIP ALG off, and let the sender use the address of the last SDP.",
    needs=("media", "time", "addresses"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and receiver."""
    sources = {(stream.src.ip, stream.src.port) for stream in trace.media.streams}
    for flow in flows_of(trace):
        stream = flow.stream
        if flow.hop is None or flow.receiver_says or not flow.sender_says or stream.duration < 1.0:
            continue
        named = _receiver_says(flow)
        answered = answer_time(flow)
        if not named or answered is None or stream.last < answered or (stream.dst.ip, stream.dst.port) in sources:
            continue
        message, places = named
        yield RULE.finding(
            f"{stream.src} sends its audio to {stream.dst}; the other side asked for {' or '.join(places)}.",
            "The audio does not arrive where it was asked for.",
            calls=flow.calls,
            evidence=[flow.quoted(f"{stream.packets} packets"), quote_sdp(message, "c=")],
            confidence="strong",
            key=f"{stream.src.ip}:{stream.dst.ip}",
        )


def _receiver_says(flow: Flow) -> tuple[Message, list[str]] | None:
    """The receiver's last description, and the places of all of them; None with ICE."""
    if flow.hop is None:
        return None
    found: list[tuple[Message, str]] = []
    for message, sdp in described(flow.hop):
        section = audio(sdp)
        if section is None or flow.hop.sender(message) != flow.receiver:
            continue
        if any(attribute.startswith("candidate:") for attribute in section.attributes):
            return None
        found.append((message, f"{section.address}:{section.port}"))
    return (found[-1][0], sorted({place for _, place in found})) if found else None
