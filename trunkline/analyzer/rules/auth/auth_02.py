"""Credentials were sent and refused again.

Proof: a request answers the challenge's own nonce, and the reply is again 401 or 407, for the same realm and without
stale=true; nothing with credentials succeeds later in the dialog.
Traps: stale=true (AUTH-05); a second 407 for another realm is a second proxy that also wants credentials.
Fix: user name, password or realm; the user name of the digest may differ from that in From.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import Digest, answer_header, is_stale
from trunkline.analyzer.rules.facts import Exchange, Hop, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-02",
    title="Credentials sent and refused again",
    severity="critical",
    reference="RFC 3261 section 22.2, RFC 7616 section 3.3",
    fix="Check user name, password and realm; the digest's user name may differ from the user in From.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per dialog and user name."""
    for hop in {
        id(exchange.hop): exchange.hop for exchange in facts_of(trace).finals(401, 407) if exchange.credentials
    }.values():
        # a program that guesses passwords has tens of thousands of them: the last one tells all
        exchange = next((exchange for exchange in reversed(hop.exchanges) if _again(hop, exchange)), None)
        if exchange is None or _accepted_later(hop, exchange):
            continue
        final, request = exchange.final, exchange.request
        assert final is not None
        sent = _matching(exchange)
        username, realm = (sent["username"], sent["realm"]) if sent is not None else ("", "")
        yield RULE.finding(
            f"The user name {username or '(empty)'} answered the challenge of {realm or 'the server'} and was "
            "refused with "
            f"{final.status} again.",
            "The answer used the right nonce, and the server does not call it stale: user name, password or "
            "realm is wrong.",
            calls=[hop.id],
            evidence=[quote(request, answer_header(final.status)), quote(final)],
            confidence="strong",
            key=f"{username}@{realm}",
            username=username,
            realm=realm,
            values=values_of(hop, request, final),
        )


def _matching(exchange: Exchange) -> Digest | None:
    realms = {challenge["realm"] for challenge in exchange.challenges}
    return next((answer for answer in exchange.answers if answer["realm"] in realms), None)


def _again(hop: Hop, exchange: Exchange) -> bool:
    if exchange.final is None or exchange.final.status not in (401, 407):
        return False
    sent = _matching(exchange)
    if sent is None or is_stale(exchange.final, exchange.challenges):
        return False
    given = (
        challenge["nonce"]
        for other in hop.before(exchange)
        if other.final is not None and other.final.index < exchange.final.index
        for challenge in reversed(other.challenges)
        if challenge["realm"] == sent["realm"]
    )
    return next(given, None) == sent["nonce"]


def _accepted_later(hop: Hop, exchange: Exchange) -> bool:
    assert exchange.final is not None
    return any(
        other.credentials
        and other.method == exchange.method
        and other.final is not None
        and other.final.index > exchange.final.index
        and other.final.status not in (401, 407)
        for other in hop.exchanges
    )
