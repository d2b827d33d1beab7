"""Malformed DTMF events.

Proof: an event without an end packet, with several timestamps, with a duration that shrinks or is under 40 ms; or
without its marker bit, or with fewer than three end packets.
Traps: one end packet is legal but fragile, and lost packets explain a missing end: facts only.
Fix: an update of the sender, no rewriting of DTMF on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.stream import DtmfEvent, Stream
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DTMF-05",
    title="Malformed DTMF event",
    severity="warn",
    reference="RFC 4733 section 2.5.1",
    fix="Update the sender, and switch DTMF conversion off on equipment in between.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind of fault."""
    for flow in flows_of(trace):
        faults: dict[str, list[DtmfEvent]] = {}
        for event in flow.stream.events:
            for fault in _faults(event, flow.stream):
                faults.setdefault(fault, []).append(event)
        for fault, events in faults.items():
            minor = fault in MINOR
            yield RULE.finding(
                f"{flow.stream.src} sends DTMF events {fault} ({len(events)} of {len(flow.stream.events)}).",
                "Receivers tell digits apart by timestamp, end bit and duration; a fault in them loses or "
                "doubles digits.",
                calls=flow.calls,
                evidence=[flow.quoted(f"digit {events[0].digit}, {events[0].duration_ms:.0f} ms {fault}")],
                severity="info" if minor else "warn",
                key=f"{flow.stream.src.ip}:{fault}",
            )


NO_END, MOVES, SHRINKS, SHORT = (
    "without an end packet",
    "whose timestamp moves",
    "whose duration shrinks",
    "under 40 ms",
)
FEW_ENDS, NO_MARKER = "with fewer than three end packets", "without a marker bit"
MINOR = (FEW_ENDS, NO_MARKER)


def _faults(event: DtmfEvent, stream: Stream) -> list[str]:
    found = []
    cut = stream.last - event.start < 1.0
    if event.end_packets == 0 and not stream.lost and not cut:
        found.append(NO_END)
    elif 0 < event.end_packets < 3 and not stream.lost and not cut:
        found.append(FEW_ENDS)
    if event.timestamps > 1:
        found.append(MOVES)
    if event.shrinking:
        found.append(SHRINKS)
    if event.end_packets and event.duration_ms < 40:
        found.append(SHORT)
    if not event.marker and not stream.lost and not found:
        found.append(NO_MARKER)
    return found
