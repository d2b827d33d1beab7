"""The registration was refused.

Proof: a REGISTER ends with a final answer of 400 or more that is no challenge, and none of the same user succeeds
within the next minute.
Traps: 423 with Min-Expires and a retry is normal. Scanners are AUTH-11.
Fix: 423: ask for a longer interval; 404: the user or domain is not known; 403: as AUTH-03.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-08",
    title="Registration refused",
    severity="critical",
    reference="RFC 3261 section 10.3",
    fix="423: register for longer; 404: check user and domain; 403: check the credentials and the account.",
)
_WHY = {
    403: "The registrar knows the account and refuses it, or does not accept the password.",
    404: "The registrar does not know this user, or not in this domain.",
    423: "The interval that the client asked for is too short for the registrar; Min-Expires says the smallest.",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per user and status."""
    facts = facts_of(trace)
    good: dict[str, list[float]] = {}
    for exchange in facts.by_method.get("REGISTER", ()):
        if exchange.final is not None and 200 <= exchange.final.status < 300:
            good.setdefault(_user(exchange), []).append(exchange.final.time or 0.0)
    for exchange in facts.by_method.get("REGISTER", ()):
        request, final = exchange.request, exchange.final
        if request is None or final is None or final.status < 400 or final.status in (401, 407) or is_scanner(request):
            continue
        user, time = _user(exchange), final.time or 0.0
        if any(time <= other <= time + 60.0 for other in good.get(user, ())):
            continue
        smallest = final.value("Min-Expires")
        asked = f" It asks for at least {cut(smallest, 12)} s." if final.status == 423 and smallest else ""
        yield RULE.finding(
            f"REGISTER of {user or 'a user'} was refused: {reason_text(final)}.{asked}",
            _WHY.get(final.status, "Without a registration the registrar does not know where calls to this user go."),
            calls=[exchange.id],
            evidence=[quote(final), quote(request, "To")],
            key=f"{user}:{final.status}",
            expires=smallest,
            username=request.from_.user if request.from_ is not None else "",
            values=values_of(exchange.hop, request, final),
        )


def _user(exchange: Exchange) -> str:
    to = exchange.request.to if exchange.request is not None else None
    return f"{to.user}@{to.host}" if to is not None else ""
