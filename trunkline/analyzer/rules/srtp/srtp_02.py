"""SRTP is offered to a side that refuses it.

Proof: an offer of RTP/SAVP is refused with 403, 415, 488 or 606, and a retry with RTP/AVP gets through; or the words or
the profile say that SRTP is not taken.
Traps: without a retry and without words it may be the codecs.
Fix: SRTP off on the trunk, or optional.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Confidence, Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, is_secure, may_be_secure
from trunkline.analyzer.rules.facts import Exchange, Facts, facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SRTP-02",
    title="SRTP is offered and refused",
    severity="critical",
    reference="RFC 4568 section 5.1, RFC 3264 section 6",
    fix="Switch SRTP off for this trunk, or make it optional; or make the trunk a secure one.",
)
SOON = 5.0
"""Seconds within which a PBX tries again without SRTP."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per refusing host."""
    facts = facts_of(trace)
    for exchange in facts.finals(403, 415, 488, 606):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or not is_secure(audio(request.sdp)):
            continue
        plain = _plain_retry(facts, request)
        confidence = _confidence(trace, exchange, final, plain)
        if confidence == "hint" and final.status in (403, 415):
            continue
        yield RULE.finding(
            f"{final.src or 'The other side'} refuses the SRTP offer of {request.src or 'the caller'}: "
            f"{reason_text(final)}" + ("; the same call with plain RTP is answered." if plain is not None else "."),
            "An offer of RTP/SAVP alone leaves a side that has no SRTP nothing to answer with.",
            calls=[exchange.id],
            evidence=[quote(final), quote_sdp(request, "m=audio"), quote_sdp(plain, "m=audio") if plain else None],
            confidence=confidence,
            key=final.src.ip if final.src else "",
            values=values_of(exchange.hop, request, final),
        )


def _confidence(trace: Trace, exchange: Exchange, final: Message, plain: Message | None) -> Confidence:
    if plain is not None:
        return "proven"
    media = trace.profile.media
    unwanted = exchange.hop.termination and (
        media.srtp == "no" or (not media.srtp_with_udp and final.raw.transport in ("udp", "tcp"))
    )
    return "strong" if unwanted or about(final) == "security" else "hint"


def _plain_retry(facts: Facts, before: Message) -> Message | None:
    """A later INVITE for the same number at the same place, with plain RTP, that was answered."""
    for exchange in facts.by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or final is None or not 200 <= final.status < 300 or request.index <= before.index:
            continue
        if request.dst != before.dst or request.sdp is None or may_be_secure(audio(request.sdp)):
            continue
        same = request.to is not None and before.to is not None and request.to.user == before.to.user
        if same and request.time is not None and before.time is not None and request.time - before.time < SOON:
            return request
    return None
