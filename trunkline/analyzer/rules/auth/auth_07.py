"""The client supports none of the digest algorithms that it is offered.

Proof: every challenge of the response wants SHA-256, SHA-512-256 or auth-int, and the client answers with MD5, or not
at all.
Traps: several challenges may stand in one response; one that fits is enough (RFC 8760 section 2.3).
Fix: offer MD5 too, or update the client.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import Digest
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-07",
    title="Digest algorithm or qop that the client does not support",
    severity="critical",
    reference="RFC 8760 section 2.3, RFC 7616 section 3.3",
    fix="Offer MD5 beside SHA-256 at the server, or update the client.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per dialog."""
    for exchange in facts_of(trace).finals(401, 407):
        final = exchange.final
        asked = exchange.challenges
        if final is None or not asked or any(_is_usual(challenge) for challenge in asked):
            continue
        later = [
            other
            for other in exchange.hop.after(exchange)
            if other.request is not None and other.request.index > final.index
        ]
        sent = [answer for other in later for answer in other.answers]
        if any(answer.algorithm.startswith("SHA") for answer in sent):
            continue
        if not sent and not waited(trace, final.time, 5.0):
            continue
        offered = ", ".join(sorted({f"{challenge.algorithm} {challenge['qop']}".strip() for challenge in asked}))
        yield RULE.finding(
            f"The challenge offers only {cut(offered, 80)}; the client "
            + ("answered with MD5." if sent else "sent no credentials at all."),
            "A client that knows only MD5 cannot answer, and often says nothing about it.",
            calls=[exchange.id],
            evidence=[
                quote(final, asked[0].header.name),
                *(quote(other.request, "Authorization") for other in later[:1]),
            ],
            confidence="strong" if sent else "hint",
            key=offered,
            realm=asked[0]["realm"],
            values=values_of(exchange.hop, exchange.request, final),
        )


def _is_usual(challenge: Digest) -> bool:
    qop = [item.strip() for item in challenge["qop"].lower().split(",")]
    return challenge.algorithm in ("MD5", "MD5-SESS") and (qop == [""] or "auth" in qop)
