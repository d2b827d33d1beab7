"""484: the number was not complete.

Proof: 484 Address Incomplete; a longer number that begins with it may follow (overlap dialling).
Traps: overlap dialling is normal in some countries: with a successful longer number it is information.
Fix: send complete numbers, no overlap.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NUM-04",
    title="Number incomplete (overlap dialling)",
    severity="warn",
    reference="RFC 3261 section 21.4.22, RFC 3578",
    fix="Collect the whole number before the INVITE is sent; turn overlap dialling off.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per number."""
    facts = facts_of(trace)
    numbers = [
        (e.request.index, user_of(e.request.ruri)) for e in facts.by_method.get("INVITE", ()) if e.request is not None
    ]
    for exchange in facts.finals(484):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or exchange.hop.origination:
            continue
        number = user_of(request.ruri)
        longer = next(
            (
                other
                for index, other in numbers
                if index > final.index and len(other) > len(number) and other.startswith(number)
            ),
            "",
        )
        if not number or is_scanner(request):
            continue
        yield RULE.finding(
            f"{cut(number, 40)} was answered 484: more digits are expected."
            + (f" The longer {cut(longer, 40)} followed." if longer else ""),
            "The digits were sent one after the other (overlap dialling), which trunks seldom take."
            if longer
            else "The far end cannot make a complete number of these digits.",
            calls=[exchange.id],
            evidence=[quote(request), quote(final)],
            severity="info" if longer else "warn",
            key=f"{number}:{bool(longer)}",
            values=values_of(exchange.hop, request, final),
        )
