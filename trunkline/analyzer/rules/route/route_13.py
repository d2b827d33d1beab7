"""The provider says why it refused, with a code that is not in its profile.

Proof: its error header in a final response.
Traps: none; the text is quoted and nothing is guessed.
Fix: look the code up at the provider.

Not in the first list of rules: the provider's own word beats every heuristic, also when the code is new.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.provider_word import provider_finding
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.table import TABLE

RULE = Rule(
    id="ROUTE-13",
    title="The provider says why it refused",
    severity="critical",
    reference="the provider's list of error codes",
    fix="Look the code up in the provider's documentation.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per code."""
    facts = facts_of(trace)
    for exchange in facts.exchanges if facts.hints else ():
        hint = facts.hints.get(exchange.final.index) if exchange.final is not None else None
        if hint is not None and hint.rule not in TABLE:
            yield provider_finding(RULE, exchange, hint)
