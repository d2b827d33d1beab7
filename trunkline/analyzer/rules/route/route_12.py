"""The account may not make this call: destination, block, trial, funds.

Proof: 402, or a refusal whose text names permission, block or funds. As a hint: 603 from the provider before any
ringing and within half a second.
Traps: a 603 after ringing is the callee's. The provider's own code beats the text.
Fix: permissions and balance at the provider; not in the PBX.

Not in the first list of rules: failure mode 8 of the provider's part (twilio.md 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-12",
    title="The account may not make this call",
    severity="critical",
    reference="the provider's document; RFC 3261 sections 21.4.3, 21.4.4 and 21.6.2",
    fix="Check destination permissions, blocks and balance at the provider; repeating the call does not help.",
)
AT_ONCE = 0.5


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per text."""
    facts = facts_of(trace)
    for exchange in facts.finals(402, 403, 503, 603):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or final.index in facts.hints:
            continue
        if exchange.hop.dialog.facing == "inside" or exchange.hop.origination:
            continue
        named = final.status == 402 or about(final) in ("permission", "funds")
        quick = (
            exchange.hop.termination and final.status == 603 and not exchange.rang and (exchange.delay or 9.0) < AT_ONCE
        )
        if not named and not (quick and about(final) == ""):
            continue
        yield RULE.finding(
            f"The call to {cut(user_of(request.ruri), 40)} was refused with {reason_text(final)}"
            + ("." if named else ", at once and before any ringing: that was no person."),
            "The provider knows the account and does not let it call there: permission, block, trial or balance.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request)],
            severity="critical" if named else "warn",
            confidence="strong" if named else "hint",
            key=f"{final.status}:{final.reason}",
            values=values_of(exchange.hop, request, final),
        )
