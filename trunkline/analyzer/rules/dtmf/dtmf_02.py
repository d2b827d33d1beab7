"""Digits by SIP INFO.

Proof: INFO with application/dtmf-relay or application/dtmf.
Traps: INFO carries other things too. Where both sides know INFO digits, they work.
Fix: RFC 4733 instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="DTMF-02",
    title="Digits sent by SIP INFO",
    severity="warn",
    reference="RFC 6086 section 5, RFC 4733",
    fix="Set DTMF to RFC 4733, not to INFO or auto.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and outcome."""
    for exchange in facts_of(trace).by_method.get("INFO", ()):
        request, final = exchange.request, exchange.final
        if request is None or not request.value("Content-Type").lower().startswith("application/dtmf"):
            continue
        outcome = ""
        if final is not None and final.status >= 400:
            outcome = f", and {final.src or 'the other side'} refuses them: {final.status} {final.reason}"
        yield RULE.finding(
            f"{request.src or 'One side'} sends DTMF digits by SIP INFO{outcome}.",
            "Providers and most PBXs expect digits as RFC 4733 events in the media; INFO digits are often ignored.",
            calls=[exchange.id],
            evidence=[quote(request, "Content-Type"), quote(final) if outcome else None],
            severity="critical" if outcome else "warn",
            key=f"{request.src.ip if request.src else ''}:{bool(outcome)}",
            values=values_of(exchange.hop, request, final),
        )
