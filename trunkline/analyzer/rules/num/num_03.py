"""The dialled number stands in To and not in the Request-URI, and the PBX looks at the latter.

Proof: a call from the provider has an account name or token in the Request-URI and the number in To or
P-Called-Party-ID; the PBX refuses it with 404, 480, 484 or 604.
Traps: for registered trunks this form is right: when the PBX takes the call, it is no finding.
Fix: read the number from To.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import digits_of, user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NUM-03",
    title="Number stands in To, and the PBX looks at the Request-URI",
    severity="warn",
    reference="RFC 3261 section 8.1.1.1, SIPconnect 2.0 (registration mode)",
    fix="Take the dialled number from To (or P-Called-Party-ID): the Request-URI holds what the PBX registered.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per name in the Request-URI."""
    for exchange in facts_of(trace).finals(404, 480, 484, 604):
        request, final = exchange.request, exchange.final
        if request is None or final is None or not exchange.initial or not exchange.hop.origination:
            continue
        if exchange.method != "INVITE" or exchange.rang or request.to is None:
            continue
        asked = user_of(request.ruri)
        number = request.to.user
        digits = digits_of(number)
        if len(digits) < 7 or digits_of(asked) == digits or len(digits_of(asked)) >= 7:
            continue
        yield RULE.finding(
            f"The Request-URI names {asked or 'no user'}, the number {cut(number, 40)} stands in To; the PBX "
            f"answered {final.status}.",
            "A provider with which the PBX registers calls the registered contact; the dialled number is in To.",
            calls=[exchange.id],
            evidence=[quote(request), quote(request, "To"), quote(final)],
            confidence="strong",
            key=asked,
            values=values_of(exchange.hop, request, final) | {"did": number},
        )
