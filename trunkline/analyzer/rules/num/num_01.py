"""The called number is not written as the provider wants it (E.164).

Proof: the user of the Request-URI towards the trunk is no E.164 number although the profile asks for it: no +, 00, 011,
blanks.
Traps: some providers want no +, or a prefix: the profile decides. Emergency and short codes are exempt. Without a
profile only a refused number that begins with 00 or 011 is named, as a hint.
Fix: dialplan that sends +, country code, number.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import is_special, number_form, user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NUM-01",
    title="Called number is not E.164",
    severity="warn",
    reference="ITU-T E.164, RFC 3966 section 5.1.4",
    fix="Send the called number as +, country code and number.",
)
REFUSALS = (400, 403, 404, 484, 503, 604)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per form of number."""
    facts = facts_of(trace)
    wanted = trace.profile.numbers.called
    for exchange in facts.by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or not exchange.initial or not exchange.hop.termination:
            continue
        number = user_of(request.ruri)
        refused = final is not None and final.status in REFUSALS and final.index not in facts.hints
        form = number_form(number)
        if not form or is_special(number) or trace.profile.number_ok(number, wanted):
            continue
        if wanted != "+e164" and not (wanted == "any" and refused and number.startswith(("00", "011"))):
            continue
        yield RULE.finding(
            f"The call to {cut(number, 40)} went to the provider in this form: it {form}."
            + (f" It was refused with {final.status}." if refused and final is not None else ""),
            f"{trace.profile.title} takes numbers as +, country code and number."
            if wanted == "+e164"
            else "Most trunks take numbers as +, country code and number, and no national dialling prefixes.",
            calls=[exchange.id],
            evidence=[quote(request), quote(final) if refused else None],
            severity="critical" if refused and wanted == "+e164" else "warn",
            confidence="proven" if wanted == "+e164" else "hint",
            key=f"{form}:{refused}",
            values=values_of(exchange.hop, request, final),
        )
