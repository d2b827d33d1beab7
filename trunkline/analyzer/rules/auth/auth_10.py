"""The password does not match: recomputed from the captured digest.

Proof: the user gave the password (--password-file); the digest over the captured user, realm, nonce, nc, cnonce, qop,
method and uri is not the one that was sent.
Traps: auth-int also hashes the body, which a capture may have cut: skipped. The secret is never stored or printed.
Fix: tells a wrong password in the PBX from a problem of the account at the provider.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding, Severity
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of
from trunkline.analyzer.sip import digest
from trunkline.analyzer.sip.digest import Check, DigestHeader

RULE = Rule(
    id="AUTH-10",
    title="The password does not match (recomputed)",
    severity="critical",
    reference="RFC 7616 section 3.4.1",
    fix="Set the password that the provider's credential list has; the digest in the trace was made with another one.",
)
MOST = 5_000
"""Digests of a trace that are computed again: some forty hashes for each one that is wrong."""
CAUSES = {
    "realm": "the realm is wrong",
    "uri": "the uri is wrong",
    "user": "the user name is wrong",
    "method": "the method is wrong",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per user name and what is wrong."""
    passwords = trace.options.passwords
    if not passwords:
        return
    computed = 0
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if request is None or not exchange.credentials or exchange.final is None:
            continue
        for sent in digest.credentials(request):
            computed += 1
            if computed > MOST:
                return
            result = digest.check(request, sent, passwords, _challenge(exchange, sent))
            if result is not None:
                yield from _judged(exchange, request, sent, result)


def _challenge(exchange: Exchange, sent: DigestHeader) -> DigestHeader | None:
    """What the credentials answer: the challenge with their nonce."""
    for before in exchange.hop.before(exchange):
        for challenge in digest.challenges(before.final) if before.final is not None else ():
            if challenge.get("nonce") == sent.get("nonce"):
                return challenge
    return None


def _judged(exchange: Exchange, request: Message, sent: DigestHeader, result: Check) -> Iterator[Finding]:
    refused = exchange.final is not None and exchange.final.status in (401, 403, 407)
    user = sent.get("username")
    if result.matches:
        if refused:
            yield _finding(
                exchange,
                request,
                sent,
                f"The digest of {user} is right for the password that you gave, and it was refused all the same.",
                "The PBX does it right: the provider has another password for this user, does not know the user, or "
                "the credential list is not attached to the trunk.",
                "critical",
                "right",
            )
        return
    cause = CAUSES.get(result.wrong, "the password is wrong in the PBX")
    known = "" if result.wrong == "unknown" else f" ({result.how})"
    yield _finding(
        exchange,
        request,
        sent,
        f"The digest of {user} was not made with what you gave: {cause}{known}.",
        "User name, realm, nonce, method and uri are in the trace; only the password was missing, and with yours the "
        "digest comes out otherwise.",
        "critical" if refused else "info",
        cause + known,
    )


def _finding(
    exchange: Exchange, request: Message, sent: DigestHeader, what: str, why: str, severity: Severity, key: str
) -> Finding:
    return RULE.finding(
        what,
        why,
        calls=[exchange.id],
        evidence=[quote(request, sent.header.name), quote(exchange.final)],
        severity=severity,
        key=f"{sent.get('username')}:{key}",
        username=sent.get("username"),
        realm=sent.get("realm"),
        values=values_of(exchange.hop, request, exchange.final),
    )
