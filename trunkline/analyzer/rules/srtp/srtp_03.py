"""SRTP keys or suites that do not fit.

Proof: the answer's a=crypto has a tag or suite that the offer does not have, or one side is SAVP and the other AVP.
Traps: opportunistic SRTP (AVP with a=crypto) may be answered by AVP without keys.
Fix: the same suites on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import SdpMedia
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import answered, audio, crypto, is_secure
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SRTP-03",
    title="SRTP keys do not fit",
    severity="critical",
    reference="RFC 4568 section 5.1.2",
    fix="Allow the suite AES_CM_128_HMAC_SHA1_80 on both sides.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per answering host and fault."""
    for hop, exchange, answer, sdp in answered(facts_of(trace)):
        asked, said = audio(exchange.offer_sdp), audio(sdp)
        if asked is None or said is None or not asked.port or not said.port:
            continue
        fault, line = _fault(asked, said)
        if not fault:
            continue
        yield RULE.finding(
            f"{answer.src or 'The other side'} answers {fault}.",
            "Both directions need keys that the other side can use; otherwise the call is answered and silent.",
            calls=[hop.id],
            evidence=[quote_sdp(answer, line), quote_sdp(exchange.offer, line)],
            key=f"{answer.src.ip if answer.src else ''}:{fault}",
            values=values_of(hop, exchange.offer, answer),
        )


def _fault(asked: SdpMedia, said: SdpMedia) -> tuple[str, str]:
    """What is wrong, and the line to quote."""
    if is_secure(asked) != is_secure(said):
        return f"an offer of {asked.protocol} with {said.protocol}", "m=audio"
    offered = {crypto(value) for value in asked.crypto}
    if not is_secure(said) or not offered:
        return "", ""
    if not said.crypto:
        return ("", "") if any(a.startswith("fingerprint:") for a in said.attributes) else ("without a key", "m=audio")
    tag, suite = crypto(said.crypto[0])
    if (tag, suite) in offered:
        return "", ""
    if suite in {name for _, name in offered}:
        return f"with the crypto tag {tag}, which the offer has for another suite", "a=crypto"
    return f"with the suite {suite}, which was not offered", "a=crypto"
