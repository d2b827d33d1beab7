"""The dialplan of the PBX does not know the number that the provider calls.

Proof: a call from the provider is answered 404, 484 or 604 (480) by the PBX within a second, without ringing, and
nothing goes on to a phone.
Traps: a proxy in between may have answered; a phone that is not registered gives 480 too, so that counts only when it
comes at once.
Fix: a dialplan entry in the form that the provider sends.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NUM-02",
    title="Called number is not known to the dialplan of the PBX",
    severity="critical",
    reference="RFC 3261 section 21.4.5",
    fix="Match the number in the dialplan exactly as the provider sends it, with + and country code.",
    needs=("both_directions",),
)
AT_ONCE = 1.0
UNREGISTERED = 0.1


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per number."""
    for exchange in facts_of(trace).finals(404, 484, 604, 480):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or not exchange.initial:
            continue
        if not exchange.hop.origination or exchange.rang or is_scanner(request):
            continue
        delay = exchange.delay
        if delay is not None and delay > (UNREGISTERED if final.status == 480 else AT_ONCE):
            continue
        if len(exchange.hop.call.dialogs) > 1:
            continue
        number = user_of(request.ruri)
        yield RULE.finding(
            f"The provider called {cut(number, 40) or 'the PBX'} and the PBX answered {reason_text(final)} at once.",
            "The PBX took the call and found no entry for the number in the form in which it came; no phone was tried.",
            calls=[exchange.id],
            evidence=[quote(request), quote(final)],
            confidence="hint" if final.status == 480 else "strong",
            key=f"{number}:{final.status}",
            values=values_of(exchange.hop, request, final),
        )
