"""An offer to the provider without G.711.

Proof: an INVITE to the provider offers neither PCMU nor PCMA.
Traps: the profile may take one of the offered codecs.
Fix: add ulaw and alaw to the trunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, codecs
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="COD-05",
    title="G.711 missing from the offer",
    severity="warn",
    reference="RFC 3551 section 6; what every carrier takes",
    fix="Add PCMU and PCMA to the codecs of the trunk.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per list of codecs."""
    usable = {"pcmu", "pcma"} | {name.lower() for name in trace.profile.media.codecs}
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request = exchange.request
        if request is None or not exchange.hop.termination or request.sdp is None:
            continue
        section = audio(request.sdp)
        offered = codecs(section)
        if not offered or section is None or not section.port or usable & set(offered):
            continue
        yield RULE.finding(
            f"The offer to the provider has {', '.join(name.upper() for name in offered)}, and not G.711.",
            "The phone network is G.711. A provider that does not transcode refuses such a call with 488 or 415.",
            calls=[exchange.id],
            evidence=[quote_sdp(request, "m=audio")],
            key=",".join(offered),
            values=values_of(exchange.hop, request, exchange.final),
        )
