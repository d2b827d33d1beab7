"""The caller ID was refused.

Proof: 403, 603, 608, 433, 428 or 400 whose text names the caller ID.
Traps: a 603 of a person who declines comes seconds after the ringing and says nothing of the kind.
Fix: a caller ID that belongs to the account or is verified; CLI-04 for forwarded calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="CLI-03",
    title="Caller ID refused",
    severity="critical",
    reference="RFC 3261 section 21.4.4, RFC 8197 (608), RFC 5079 (433), RFC 8224 section 6.2.2 (428)",
    fix="Call with a number that belongs to the account or is verified there.",
)
BY_STATUS = {
    428: "it wants a signed identity (STIR)",
    433: "it takes no anonymous calls",
    608: "an analysis of calls rejected it",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per caller ID."""
    facts = facts_of(trace)
    for exchange in facts.finals(400, 403, 428, 433, 603, 608):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or final.index in facts.hints:
            continue
        topic = about(final)
        if final.status not in BY_STATUS and topic not in ("caller_id", "identity"):
            continue
        if exchange.hop.dialog.facing == "inside" or exchange.hop.origination:
            continue
        caller = request.from_.user if request.from_ is not None else ""
        more = BY_STATUS.get(final.status, "its words name the caller")
        yield RULE.finding(
            f"The call from {cut(caller, 40) or 'nobody'} was refused with {reason_text(final)}: {more}.",
            "Providers let only numbers call that belong to the account or were verified.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request, "From")],
            confidence="strong",
            key=f"{caller}:{final.status}",
            values=values_of(exchange.hop, request, final),
        )
