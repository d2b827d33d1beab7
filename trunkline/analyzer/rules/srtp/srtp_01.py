"""The trunk demands SRTP, plain RTP is offered.

Proof: a refusal whose words or code speak of secure media, to an offer of plain RTP.
Traps: 488 without such words is mostly about codecs (COD-01).
Fix: SDES on the trunk's endpoint, over TLS.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, may_be_secure
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SRTP-01",
    title="The other side demands SRTP",
    severity="critical",
    reference="RFC 4568, RFC 3711",
    fix="Switch SRTP (SDES) on for the trunk and use TLS for signalling, or make the trunk a plain one.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per refusing host."""
    for exchange in facts_of(trace).finals(403, 406, 488, 606):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or about(final) != "security":
            continue
        section = audio(request.sdp)
        if section is None or may_be_secure(section):
            continue
        yield RULE.finding(
            f"{final.src or 'The other side'} refuses plain RTP: {reason_text(final)}.",
            "The trunk is secure: media has to be encrypted, with keys in the SDP (a=crypto), and signalling over TLS.",
            calls=[exchange.id],
            evidence=[quote(final), quote_sdp(request, "m=audio")],
            confidence="strong",
            key=final.src.ip if final.src else "",
            values=values_of(exchange.hop, request, final),
        )
