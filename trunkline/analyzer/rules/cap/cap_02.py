"""Packets are cut short (snaplen).

Proof: frames whose captured length is below the length on the wire.
Traps: cut messages must not be called malformed (MALF-02).
Fix: capture with -s 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-02",
    title="Packets are cut short by the capture",
    severity="warn",
    reference="pcap-savefile(5), snapshot length",
    fix="Capture whole packets: tcpdump -s 0.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per file."""
    for number, source in enumerate(trace.capture.files):
        if not source.snaplen_cut:
            continue
        hurt = [message for message in trace.messages if message.raw.truncated and message.place.file == number]
        yield RULE.finding(
            f"{source.snaplen_cut} of {source.packets} frames were captured only in part"
            + (f", {len(hurt)} SIP messages among them." if hurt else "."),
            "Headers, SDP or audio behind the cut are lost; nothing is said about them.",
            calls=[hop.id for hop in facts_of(trace).hops if any(message.raw.truncated for message in hop.messages)],
            evidence=[quote(message) for message in hurt[:3]],
            severity="warn" if hurt else "info",
            key=f"file{number}",
        )
