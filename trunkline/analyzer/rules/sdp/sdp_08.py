"""A WebRTC or ICE offer to a plain trunk.

Proof: RTP/AVPF, SAVPF, ICE, a DTLS fingerprint or BUNDLE in an offer to the provider.
Traps: some trunks accept AVPF: a warning, and critical only where the provider refuses the call.
Fix: WebRTC settings belong to phones, not to the trunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SDP-08",
    title="WebRTC offer to a plain trunk",
    severity="warn",
    reference="RFC 8866, RFC 8839, RFC 5763",
    fix="Offer plain RTP/AVP (or SAVP with SDES) to the trunk: no ICE, no DTLS, no AVPF, no BUNDLE.",
)
REFUSED = (415, 488, 503, 606)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per set of features and outcome."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request = exchange.request
        if request is None or not exchange.hop.termination or request.sdp is None:
            continue
        features = _features(request.sdp)
        if not features:
            continue
        refused = exchange.final is not None and exchange.final.status in REFUSED
        only_ice = features == ["ICE"]
        if only_ice and not refused:
            continue
        yield RULE.finding(
            f"The offer to the provider has {', '.join(features)}"
            + (
                f", and it is refused: {exchange.final.status} {exchange.final.reason}."
                if exchange.final and refused
                else "."
            ),
            "A trunk to the phone network speaks plain RTP. What browsers need makes it refuse the call, or makes the "
            "INVITE too large for UDP.",
            calls=[exchange.id],
            evidence=[quote_sdp(request, "m=audio"), quote(exchange.final) if refused else None],
            severity="critical" if refused else "warn",
            confidence="strong" if refused else "proven",
            key=f"{features}:{refused}",
            values=values_of(exchange.hop, request, exchange.final),
        )


def _features(sdp: Sdp) -> list[str]:
    section = audio(sdp)
    if section is None:
        return []
    attributes = [*sdp.attributes, *section.attributes]
    found = [section.protocol] if section.protocol.upper().endswith("AVPF") else []
    for name, beginning in (("ICE", "ice-ufrag:"), ("a DTLS fingerprint", "fingerprint:"), ("BUNDLE", "group:BUNDLE")):
        if any(attribute.startswith(beginning) for attribute in attributes):
            found.append(name)
    return found
