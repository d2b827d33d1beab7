"""RTP comes from a place that was not announced.

Proof: a stream that arrives at the receiver's SDP port leaves another port or host than the sender's SDP names.
Traps: NAT does that, and symmetric RTP copes with it: a fact only, unless only the port differs on an address that was
announced. With ICE the sender may use any of its candidates.
Fix: static port mapping, symmetric RTP.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of, may_use
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-04",
    title="RTP comes from an unannounced address or port",
    severity="warn",
    reference="RFC 4961 section 3",
    fix="Map media ports one to one in the NAT, or switch symmetric RTP on at the other side.",
    needs=("media", "addresses"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and way."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not flow.receiver_says or not flow.sender_says or stream.packets < 50:
            continue
        if may_use(flow.sender_says, stream.src):
            continue
        places = [(section.address, section.port) for _, section in flow.sender_says]
        same_host = any(address == stream.src.ip for address, _ in places)
        behind_nat = all(is_private(address) for address, _ in places)
        announced = " or ".join(sorted({f"{address}:{port}" for address, port in places}))
        yield RULE.finding(
            f"Audio comes from {stream.src}; the SDP announced {announced}.",
            "Works where the other side answers to where packets come from (symmetric RTP); else audio is one-way.",
            calls=flow.calls,
            evidence=[flow.quoted(f"{stream.packets} packets from {stream.src}")],
            severity="warn" if same_host and not behind_nat else "info",
            confidence="strong",
            key=f"{stream.src.ip}:{same_host}",
        )
