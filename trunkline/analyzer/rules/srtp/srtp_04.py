"""SRTP keys in the clear.

Proof: a=crypto in SIP over UDP or TCP (not TLS).
Traps: in one's own network it is a matter of taste: then a fact only.
Fix: TLS.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.facts import facts_of, to_public_peer
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SRTP-04",
    title="SRTP keys sent in the clear",
    severity="security",
    reference="RFC 4568 section 8.3",
    fix="Use TLS for the signalling of this trunk.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of hosts."""
    for hop in facts_of(trace).calls():
        for message, sdp in described(hop):
            section = audio(sdp)
            if section is None or not section.crypto or message.raw.transport not in ("udp", "tcp", "ws"):
                continue
            if message.raw.source == "hep":
                continue
            yield RULE.finding(
                f"{message.src or 'One side'} sends SRTP keys over {message.raw.transport.upper()}.",
                "Whoever can read the signalling has the keys of the media, which is then as open as without SRTP.",
                calls=[hop.id],
                evidence=[quote_sdp(message, "m=audio")],
                severity="security" if to_public_peer(message) else "info",
                key=f"{message.src.ip if message.src else ''}:{message.dst.ip if message.dst else ''}",
                values=values_of(hop, message),
            )
            break
