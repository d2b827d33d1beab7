"""A payload type that the receiver did not ask for.

Proof: RTP to the receiver's SDP port carries a payload type that none of its descriptions has.
Traps: a new SDP may come up to a second after its media; comfort noise and a handful of packets prove nothing.
Fix: the switch that sends it, or transcoding.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="COD-02",
    title="Payload type on the wire was not negotiated",
    severity="critical",
    reference="RFC 3264 section 5.1, RFC 3550 section 5.1",
    fix="Let the sending side keep to the codecs of the last SDP answer.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and payload type."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not flow.receiver_says or stream.packets < 50:
            continue
        asked = {text for message, section in flow.receiver_says for text in section.formats}
        sent = {message_type for _, section in flow.sender_says for message_type in section.formats}
        for payload_type, packets in stream.payload_types.items():
            if str(payload_type) in asked or payload_type in (13, 19) or packets < max(25, stream.packets // 20):
                continue
            own = str(payload_type) in sent
            yield RULE.finding(
                f"{stream.src} sends payload type {payload_type} to {stream.dst}, which did not offer it"
                + ("; it is the number from the sender's own SDP." if own else "."),
                "A receiver plays only what it has said it understands; the rest is dropped, or heard as noise.",
                calls=flow.calls,
                evidence=[flow.quoted(f"{packets} packets of payload type {payload_type}")],
                confidence="strong",
                key=f"{stream.src.ip}:{payload_type}",
            )
