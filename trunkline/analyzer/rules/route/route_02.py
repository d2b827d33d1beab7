"""The far end does not know the number.

Proof: 404, 410, 484 or 604 from the provider to a call that it let in; or, where nobody is known to be the provider,
from the last hop that the call reached.
Traps: the form of the number comes first (NUM-01); the provider's own code beats the status. A call from the provider
is NUM-02.
Fix: number, permission, portability.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.numbers import user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-02",
    title="Number or user unknown at the far end",
    severity="warn",
    reference="RFC 3261 sections 21.4.5, 21.4.11 and 21.6.3, ITU-T Q.850 cause 1",
    fix="Check the number, and whether the account may call this destination.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per number."""
    facts = facts_of(trace)
    for exchange in facts.finals(404, 410, 484, 604):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or not exchange.initial:
            continue
        provider = exchange.hop.termination
        if final.index in facts.hints or not (provider or _ends_here(exchange)) or is_scanner(request):
            continue
        number = user_of(request.ruri)
        who = "The provider" if provider else str(final.src or "The other side")
        yield RULE.finding(
            f"{who} answered {reason_text(final)} to the call to {cut(number, 40)}.",
            "The call was let in; the number does not exist, or not for this provider."
            if provider
            else "The call was let in, and the server has no user, extension or route for this number.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request)],
            confidence="strong",
            key=f"{number}:{final.status}",
            values=values_of(exchange.hop, request, final),
        )


def _ends_here(exchange: Exchange) -> bool:
    """A hop of which it is not known who is the provider, and behind which the call went no further."""
    hop = exchange.hop
    return hop.dialog.facing != "provider" and hop.call.dialogs[-1] is hop.dialog
