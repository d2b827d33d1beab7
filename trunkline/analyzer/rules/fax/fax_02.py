"""T.38 is agreed, and no fax data comes.

Proof: an answered m=image, and no UDPTL to or from its port.
Traps: only where the capture holds media; a fax that ends at once has none either.
Fix: as with a private address in SDP; NAT support for UDPTL.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import SdpMedia
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import answered, is_fax
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="FAX-02",
    title="T.38 agreed, no fax data",
    severity="critical",
    reference="ITU-T T.38 annex D",
    fix="Open the UDP ports of T.38, and let the PBX send UDPTL to where packets come from (NAT).",
    needs=("media", "both_directions"),
)
PATIENCE = 5.0
"""Seconds after the answer by which a fax machine has sent something."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per answering host."""
    if not trace.media.captured:
        return
    places = {end for flow in trace.media.other for end in (flow.src, flow.dst)}
    places |= {stream.dst for stream in trace.media.streams if stream.heuristic}
    for hop, exchange, answer, sdp in answered(facts_of(trace)):
        asked, said = exchange.offer_sdp.first("image"), sdp.first("image")
        if not is_fax(exchange.offer_sdp) or not is_fax(sdp) or not waited(trace, answer.time, PATIENCE):
            continue
        if _has(asked, places) or _has(said, places):
            continue
        yield RULE.finding(
            "Both sides agreed on T.38, and no fax data was captured on either of its ports.",
            "The fax fails after a time-out. Mostly the data goes to a private address or is stopped by a firewall.",
            calls=[hop.id],
            evidence=[quote_sdp(answer, "m=image"), quote_sdp(exchange.offer, "m=image")],
            confidence="strong",
            key=f"{answer.src.ip if answer.src else ''}",
            values=values_of(hop, exchange.offer, answer),
        )


def _has(section: SdpMedia | None, places: set[Endpoint]) -> bool:
    return section is not None and Endpoint(section.address, section.port) in places
