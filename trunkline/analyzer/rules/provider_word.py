"""Findings from what the provider says itself (`X-Twilio-Error` and the like): they beat every heuristic."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.hints import Hint
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.table import TABLE
from trunkline.analyzer.rules.values import values_of


def provider_findings(trace: Trace, load: Callable[[str], tuple[Rule, object]]) -> Iterator[Finding]:
    """One finding per refusal that carries such a header."""
    facts = facts_of(trace)
    if not facts.hints:
        return
    for exchange in facts.exchanges:
        final = exchange.final
        hint = facts.hints.get(final.index) if final is not None else None
        if hint is not None and hint.rule in TABLE:
            yield provider_finding(load(hint.rule)[0], exchange, hint)


def provider_finding(rule: Rule, exchange: Exchange, hint: Hint) -> Finding:
    """The finding of this rule that quotes the provider."""
    final = exchange.final
    assert final is not None
    said = cut(f"{hint.code} {hint.text}" if hint.code != hint.text else hint.text, 200)
    return rule.finding(
        f"The provider refused the {exchange.method} with {final.status} and says why: "
        f"{said}{f' ({hint.meaning})' if hint.meaning else ''}.",
        f"That is the provider's own word ({hint.header}): nothing has to be guessed from the status {final.status}.",
        calls=[exchange.id],
        evidence=[quote(final, hint.header), quote(exchange.request)],
        severity="critical" if exchange.method in ("INVITE", "REGISTER") else rule.severity,
        key=f"provider:{hint.code}:{final.status}",
        values=values_of(exchange.hop, exchange.request, final),
    )
