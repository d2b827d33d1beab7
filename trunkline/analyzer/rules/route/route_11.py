"""Too many calls at once.

Proof: a refusal whose text names the limit of concurrent calls or channels.
Traps: calls that hang without a BYE fill the limit too (DLG-05).
Fix: a larger limit; no hung calls.

Not in the first list of rules: failure mode 7 of the provider's part (twilio.md 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-11",
    title="Too many concurrent calls",
    severity="critical",
    reference="the provider's limits; RFC 3261 section 21.5.4",
    fix="Raise the limit of concurrent calls, and clear calls that hang without media.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per text."""
    facts = facts_of(trace)
    for exchange in facts.finals(403, 480, 486, 500, 503):
        request, final = exchange.request, exchange.final
        if final is None or exchange.method != "INVITE" or final.index in facts.hints or about(final) != "channels":
            continue
        yield RULE.finding(
            f"The call was refused with {reason_text(final)}.",
            "The trunk carries as many calls as it may; each further one is refused until one ends.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request)],
            confidence="strong",
            key=final.reason,
            values=values_of(exchange.hop, request, final),
        )
