"""403 without any challenge: the source address is not allowed.

Proof: the first INVITE, without credentials, gets 403, and this peer never sends a 401 or 407.
Traps: a wrong host in the Request-URI looks the same (NUM-05 is looked at first), so do blocked numbers: reason texts
count. Providers that know customers by address never challenge.
Fix: the public address, as the Via's `received` shows it, into the provider's access list.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import received_address, values_of

RULE = Rule(
    id="AUTH-04",
    title="Refused without a challenge: the source address is not allowed",
    severity="critical",
    reference="RFC 3261 sections 21.4.4 and 22.1",
    fix="Add the public address of the PBX to the provider's access list, or use credentials instead of the list.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per provider address."""
    facts = facts_of(trace)
    challenging = {
        exchange.final.src.ip
        for exchange in facts.finals(401, 407)
        if exchange.final is not None and exchange.final.src is not None
    }
    for exchange in facts.finals(403):
        final, request = exchange.final, exchange.request
        if final is None or request is None or final.index in facts.hints or exchange.method != "INVITE":
            continue
        if not exchange.initial or exchange.credentials or not exchange.hop.termination or exchange.rang:
            continue
        topic = about(final)
        if topic not in ("", "source") or (final.src is not None and final.src.ip in challenging):
            continue
        if exchange.hop.credentials:
            continue
        seen = received_address(final)
        where = f" The provider saw it come from {seen}." if seen else ""
        yield RULE.finding(
            f"The first INVITE to {final.src or 'the provider'} was refused with {reason_text(final)}, and no "
            "challenge was "
            f"ever sent.{where}",
            "A provider that knows its customers by address refuses at once what comes from another one. An "
            "unknown trunk "
            "name in the Request-URI looks the same.",
            calls=[exchange.id],
            evidence=[quote(final, "Via") if seen else quote(final), quote(request)],
            confidence="strong" if topic else "hint",
            key=f"{seen}:{final.src.ip if final.src else ''}",
            values=values_of(exchange.hop, request, final),
        )
