"""A private address in SDP towards a public peer.

Proof: the audio address (c=) of a description that goes to a public address is private.
Traps: o= does not count. Where RTP of the peer does arrive, symmetric RTP has saved the call: a warning. ICE with a
public candidate covers it. What a provider writes is its own business. Between private hosts it is right.
Fix: the public address for media.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private, is_public
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message, Sdp, SdpMedia
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.facts import Hop, facts_of, to_public_peer
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import local_network, received_address, values_of

RULE = Rule(
    id="SDP-01",
    title="Private address in SDP towards a public peer",
    severity="critical",
    reference="RFC 8866 section 5.7, RFC 1918",
    fix="Tell the PBX its public address for media, and which networks are local.",
    needs=("addresses",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per address and gravity."""
    for hop in facts_of(trace).calls():
        for message, sdp in described(hop):
            section = audio(sdp)
            if section is None or not _is_wrong(section) or not to_public_peer(message) or is_scanner(message):
                continue
            if hop.by_provider(message) or _has_public_candidate(sdp, section):
                continue
            arrives = _media_arrives(trace, hop, message, section)
            values = values_of(hop, message) | {
                "private_ip": section.address,
                "local_net": local_network(section.address),
                "public_ip": next(filter(None, (received_address(item.final) for item in hop.exchanges)), ""),
            }
            yield RULE.finding(
                f"The SDP from {message.src} to {message.dst} asks for media at {section.address}:{section.port}, "
                "which nobody outside its network can reach."
                + (" RTP arrives all the same: the other side answers to where packets come from." if arrives else ""),
                "The other side sends its audio to the address in c=. With a private address there it goes nowhere, "
                "and the call is heard on one side only, or on none, unless the other side ignores the SDP.",
                calls=[hop.id],
                evidence=[quote_sdp(message, "c=")],
                severity="warn" if arrives else "critical",
                confidence="proven" if arrives or trace.media.captured else "strong",
                key=f"{section.address}:{arrives}",
                values=values,
            )
            break


def _is_wrong(section: SdpMedia) -> bool:
    return section.port > 0 and section.address != "0.0.0.0" and is_private(section.address)


def _has_public_candidate(sdp: Sdp, section: SdpMedia) -> bool:
    """ICE (RFC 8839): the other side takes another address than that of c=."""
    for attribute in (*section.attributes, *sdp.attributes):
        if attribute.startswith("candidate:"):
            words = attribute.split()
            if len(words) > 4 and is_public(words[4]):
                return True
    return False


def _media_arrives(trace: Trace, hop: Hop, message: Message, section: SdpMedia) -> bool:
    """RTP of the other side came to where this description points, or to where its sender is."""
    places = {section.address} | ({message.src.ip} if message.src is not None else set())
    return any(
        stream.call == hop.id and stream.dst.ip in places and is_public(stream.src.ip) for stream in trace.media.streams
    )
