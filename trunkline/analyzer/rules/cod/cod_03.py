"""Packets of another length than the receiver asked for.

Proof: the median step of timestamps differs from a=ptime of the receiver, or is longer than its a=maxptime.
Traps: ptime is a wish (RFC 8866 section 6.4): a fact only, unless maxptime is exceeded.
Fix: packet time of the codec.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="COD-03",
    title="Packet time differs from what was asked",
    severity="warn",
    reference="RFC 8866 section 6.4, RFC 3551 section 4.2",
    fix="Set the packet time to 20 ms on both sides.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and pair of times."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not flow.receiver_says or stream.ptime_ms is None or stream.packets < 50 or not flow.is_audio:
            continue
        section = flow.receiver_says[-1][1]
        beyond = section.maxptime is not None and stream.ptime_ms > section.maxptime + 1
        other = section.ptime is not None and abs(stream.ptime_ms - section.ptime) > 2
        if not beyond and not other:
            continue
        asked = f"at most {section.maxptime}" if beyond else f"{section.ptime}"
        yield RULE.finding(
            f"{stream.src} sends packets of {stream.ptime_ms:g} ms; {stream.dst} asked for {asked} ms.",
            "Equipment with a fixed packet time clicks or drops audio when packets are longer or shorter.",
            calls=flow.calls,
            evidence=[flow.quoted(f"median packet time {stream.ptime_ms:g} ms")],
            severity="warn" if beyond else "info",
            key=f"{stream.src.ip}:{stream.ptime_ms:g}:{asked}",
        )
