"""Address families that do not fit.

Proof: c= is IPv6 in a message to an IPv4 address (or the reverse), and no RTP reaches it.
Traps: dual stack with alternatives (ICE, ANAT) is legal; where RTP flows, nothing is wrong.
Fix: media bound to the family of the trunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import address
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SDP-09",
    title="IPv4 and IPv6 mixed between signalling and media",
    severity="critical",
    reference="RFC 6157, RFC 8866 section 5.7",
    fix="Bind media to the address family that the trunk uses.",
    needs=("addresses",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per host and family."""
    reached = {stream.dst.ip for stream in trace.media.streams}
    for hop in facts_of(trace).calls():
        for message, sdp in described(hop):
            section = audio(sdp)
            if section is None or not section.port or message.dst is None or section.address in reached:
                continue
            media, peer = address(section.address), address(message.dst.ip)
            if media is None or peer is None or media.version == peer.version or media.is_unspecified:
                continue
            if any(attribute.startswith(("candidate:", "altc:")) for attribute in section.attributes):
                continue
            sure = trace.media.captured
            yield RULE.finding(
                f"{message.src} signals over IPv{peer.version} and asks for media at {section.address} "
                f"(IPv{media.version}).",
                "A peer that has only the other family cannot send its audio there.",
                calls=[hop.id],
                evidence=[quote_sdp(message, "c=")],
                severity="critical" if sure else "warn",
                confidence="strong" if sure else "hint",
                key=f"{section.address}:{peer.version}",
                values=values_of(hop, message),
            )
            break
