"""A redirection is not followed.

Proof: 3xx with Contact to an INVITE, and no INVITE to that place follows within 5 s.
Traps: a proxy in between may follow it outside of the capture; busy after a redirection may be meant.
Fix: let the PBX follow 302, or send the call itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message, NameAddr
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.numbers import digits_of, user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.uris import contact_of
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-07",
    title="Redirection not followed",
    severity="warn",
    reference="RFC 3261 sections 8.1.3.4 and 21.3",
    fix="Let the caller's side follow 302, or forward the call yourself instead of redirecting it.",
    needs=("time", "both_directions"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per target."""
    facts = facts_of(trace)
    for exchange in facts.finals(300, 301, 302, 305):
        request, final = exchange.request, exchange.final
        contact = contact_of(final)
        if (
            request is None
            or final is None
            or contact is None
            or exchange.method != "INVITE"
            or not waited(trace, final.time, 5.0)
        ):
            continue
        digits = digits_of(contact.user)
        if any(_follows(other.request, contact, digits, final) for other in facts.by_method.get("INVITE", ())):
            continue
        refusing = exchange.hop.origination and trace.profile.features.redirect == "no"
        yield RULE.finding(
            f"The call was redirected to {cut(contact.uri, 80)} with {final.status}, and no call to it followed.",
            f"{trace.profile.title} does not follow redirections."
            if refusing
            else "Whoever gets a 3xx has to call anew; many do not.",
            calls=[exchange.id],
            evidence=[quote(final, "Contact"), quote(request)],
            confidence="strong" if refusing else "hint",
            key=contact.uri,
            values=values_of(exchange.hop, request, final),
        )


def _follows(request: Message | None, contact: NameAddr, digits: str, final: Message) -> bool:
    if request is None or request.index < final.index:
        return False
    user = user_of(request.ruri)
    return user == contact.user or (len(digits) >= 3 and digits_of(user)[-7:] == digits[-7:])
