"""403 after credentials.

Proof: 403 to a request that carries credentials.
Traps: caller ID, balance, destination or channel limit also give 403: the reason text and Warning are looked at first,
and the provider's own error header beats this rule.
Fix: the credential list, then the state of the account.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import answers
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote, start_line
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-03",
    title="403 after credentials",
    severity="critical",
    reference="RFC 3261 section 21.4.4",
    fix="Check the user name and password against the provider's credential list, then the state of the account.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per user name and reason."""
    facts = facts_of(trace)
    unregistered = {_username(e) for e in facts.finals(403) if e.credentials and e.method == "REGISTER"}
    for exchange in facts.finals(403):
        final, request = exchange.final, exchange.request
        if final is None or not exchange.credentials or final.index in facts.hints:
            continue
        topic = about(final)
        if topic not in ("", "credentials") or (request is not None and request.to_tag):
            continue
        sent = next(iter(answers(request)), None)
        username = _username(exchange)
        yield RULE.finding(
            f"{exchange.method} with the credentials of {username or '(no user name)'} was refused: "
            f"{reason_text(final)}.",
            "The server understood the credentials and refuses all the same. The reason text names the credentials."
            if topic
            else "The server understood the request and refuses it. Wrong credentials are the usual cause; an account "
            "without rights or funds gives the same answer.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request, "Authorization" if sent is None else sent.header.name)],
            severity="critical" if exchange.method in ("INVITE", "REGISTER") else "warn",
            confidence="strong" if topic or username in unregistered else "hint",
            key=f"{username}:{start_line(final)}",
            username=username,
            realm=sent["realm"] if sent is not None else "",
            values=values_of(exchange.hop, request, final),
        )


def _username(exchange: Exchange) -> str:
    sent = next(iter(answers(exchange.request)), None)
    return sent["username"] if sent is not None else ""
