"""A forwarded call shows the caller's own number, and nothing says that it was forwarded.

Proof: the call came from the provider and went back to it with the same From number, which is none of the trunk's, and
without Diversion, History-Info or Referred-By.
Traps: the provider may trust another header: the profile says which. An answered call shows that it did not mind.
Fix: Diversion with the number that was called, or a caller ID of the trunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.numbers import asserted_numbers, digits_of, user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="CLI-04",
    title="Forwarded call with a foreign caller ID",
    severity="warn",
    reference="RFC 5806, RFC 7044",
    fix="Name the forwarding number in Diversion, or send a number of the trunk as caller ID.",
)
TOLD = ("Diversion", "History-Info", "Referred-By")


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per forwarding number."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or not exchange.initial or not exchange.hop.termination or request.from_ is None:
            continue
        caller = digits_of(request.from_.user)
        before = _came_from(exchange, caller)
        if before is None or any(request.has(name) for name in (*TOLD, *trace.profile.caller_id.forwarded)):
            continue
        if final is None or final.status < 300 or final.status in (401, 407):
            continue
        owned = [digits_of(number) for number in trace.options.own_numbers]
        if caller in owned or any(digits_of(user) in owned for user in asserted_numbers(request)):
            continue
        yield RULE.finding(
            f"The call from {cut(request.from_.user, 40)} came from the provider and was sent on to "
            f"{user_of(request.ruri)} "
            f"with the same caller ID; it was refused with {final.status}.",
            "To the provider a stranger's number calls through your trunk. Diversion says whose number forwarded "
            "the call.",
            calls=[exchange.id],
            evidence=[quote(request, "From"), quote(before, "From"), quote(final)],
            confidence="strong" if trace.profile.caller_id.must_be_owned else "hint",
            key=user_of(before.ruri),
            values=values_of(exchange.hop, request, final) | {"did": user_of(before.ruri)},
        )


def _came_from(exchange: Exchange, caller: str) -> Message | None:
    """The INVITE from the provider in the same call, with the same number in From."""
    if len(caller) < 7:
        return None
    for dialog in exchange.hop.call.dialogs:
        if dialog.facing != "provider" or dialog.provider_side != "caller":
            continue
        first = dialog.messages[0] if dialog.messages else None
        if first is None or first.method != "INVITE" or not first.is_request or first.from_ is None:
            continue
        if digits_of(first.from_.user)[-7:] == caller[-7:]:
            return first
    return None
