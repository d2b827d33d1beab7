"""No common codec.

Proof: 488, 606 or 415 to an INVITE or re-INVITE with SDP. Proven where the refusal says so (Warning 304 or 305, or SDP
of its own), where the profile takes none of the codecs, or where the offer has no usable audio.
Traps: 488 may be about SRTP (SRTP-01, SRTP-02), T.38 (FAX-01) or WebRTC (SDP-08): those are left to their rules.
Fix: G.711 on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Confidence, Finding
from trunkline.analyzer.model.message import Message, Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, codecs, may_be_secure
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="COD-01",
    title="No common codec",
    severity="critical",
    reference="RFC 3261 section 21.4.26, RFC 3264 section 6",
    fix="Offer and accept G.711 (PCMU and PCMA) on both sides.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per refusing host, status and list of codecs."""
    for exchange in facts_of(trace).finals(488, 606, 415):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method not in ("INVITE", "UPDATE"):
            continue
        offer = request.sdp
        if offer is None or _is_other_matter(offer, final):
            continue
        offered = codecs(audio(offer))
        confidence, because = _proof(trace, exchange, offer, final)
        yield RULE.finding(
            f"{final.src or 'The other side'} refuses the media of {request.src or 'the caller'} with "
            f"{reason_text(final)}. Offered: {', '.join(name.upper() for name in offered) or 'no codec'}{because}.",
            "The two sides have no codec in common that the refusing side may use, or the offer has no usable audio.",
            calls=[exchange.id],
            evidence=[quote(final), quote_sdp(request, "m=")],
            confidence=confidence,
            key=f"{final.src.ip if final.src else ''}:{final.status}:{offered}",
            values=values_of(exchange.hop, request, final) | {"codec": offered[0] if offered else ""},
        )


def _is_other_matter(offer: Sdp, final: Message) -> bool:
    section = audio(offer)
    if section is None:
        return offer.first("image") is not None
    secure = may_be_secure(section) or section.protocol.upper().endswith("AVPF")
    return secure or about(final) in ("security", "caller_id", "number")


def _proof(trace: Trace, exchange: Exchange, offer: Sdp, final: Message) -> tuple[Confidence, str]:
    section = audio(offer)
    offered = set(codecs(section))
    if section is not None and (section.port == 0 or section.direction == "inactive"):
        return "proven", ", with audio that is switched off (port 0 or inactive)"
    warning = final.value("Warning")
    if warning[:3] in ("304", "305"):
        return "proven", f"; it says {warning}"
    answer = final.sdp
    if answer is not None and offered.isdisjoint(codecs(audio(answer))):
        return "proven", f"; it takes {', '.join(codecs(audio(answer))) or 'none'}"
    media = trace.profile.media
    known = {name.lower() for name in (*media.codecs, *media.limited_codecs)}
    if exchange.hop.termination and known and offered.isdisjoint(known):
        return "proven", f"; {trace.profile.title} takes {', '.join(media.codecs)}"
    return ("hint" if offered and offered <= {"pcmu", "pcma"} else "strong"), ""
