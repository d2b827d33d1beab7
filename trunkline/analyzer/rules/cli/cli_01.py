"""The caller ID is an extension, a name or anonymous, and no number of the trunk.

Proof: From of a call to the trunk has no number in the user part, or one of 2 to 6 digits, and no P-Asserted-Identity
(or the like) carries a number.
Traps: calls between phone and PBX are exempt: only hops to a provider are judged. Some providers set the caller ID
themselves: a call that is answered is a hint only.
Fix: caller ID of the trunk in From.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import asserted_numbers, digits_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="CLI-01",
    title="Caller ID is no number of the trunk",
    severity="warn",
    reference="RFC 3261 section 8.1.1.3, RFC 3325 section 9.1",
    fix="Send a number of the trunk in From (or P-Asserted-Identity), as +, country code and number.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per caller ID."""
    facts = facts_of(trace)
    for exchange in facts.by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or not exchange.initial or not exchange.hop.termination or request.from_ is None:
            continue
        caller = request.from_.user
        digits = digits_of(caller)
        if len(digits) >= 7 or any(len(digits_of(user)) >= 7 for user in asserted_numbers(request)):
            continue
        if request.has("Privacy") or caller.lower() == "anonymous":
            continue
        fine = exchange.rang or (final is not None and final.status < 300)
        if final is not None and final.status in (401, 407):
            continue
        yield RULE.finding(
            f"The call went to the provider with the caller ID {cut(caller, 40)!r}.",
            "An extension or a name means nothing outside the PBX. Providers refuse such calls or replace the "
            "caller ID.",
            calls=[exchange.id],
            evidence=[quote(request, "From"), None if fine else quote(final)],
            severity="info" if fine and trace.profile.numbers.caller != "+e164" else "warn",
            confidence="hint" if fine else "strong",
            key=caller,
            values=values_of(exchange.hop, request, final),
        )
