"""DTMF events with a payload type that the receiver did not ask for.

Proof: RFC 4733 events to the receiver's SDP port with another payload type than its telephone-event.
Traps: each direction has its own number: it is the receiver's that counts.
Fix: the sender follows the SDP of the other side.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DTMF-04",
    title="DTMF payload type is not the receiver's",
    severity="critical",
    reference="RFC 4733 section 2.5.1.1, RFC 3264 section 5.1",
    fix="Let both sides use the same payload type for telephone-event, mostly 101.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and pair of numbers."""
    for flow in flows_of(trace):
        wanted = sorted({pt for _, section in flow.receiver_says for pt in section.telephone_event})
        if not wanted:
            continue
        for event in flow.stream.events:
            if event.payload_type in wanted or event.packets < 2:
                continue
            yield RULE.finding(
                f"{flow.stream.src} sends DTMF events as payload type {event.payload_type}; {flow.stream.dst} takes "
                f"{', '.join(map(str, wanted))}.",
                "The receiver drops the packets or hears them as noise; keys pressed have no effect.",
                calls=flow.calls,
                evidence=[flow.quoted(f"event {event.digit} with payload type {event.payload_type}")],
                key=f"{flow.stream.src.ip}:{event.payload_type}:{wanted}",
                payload_type=wanted[0],
            )
            break
