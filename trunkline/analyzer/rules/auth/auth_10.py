"""The password does not match: recomputed from the captured digest.

Proof: the user gave the password (--password-file); the digest over the captured user, realm, nonce, nc, cnonce, qop,
method and uri is not the one that was sent.
Traps: auth-int also hashes the body, which a capture may not have: skipped. The secret is never stored or printed.
Fix: tells a wrong password in the PBX from a problem of the account at the provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5, sha256
from hashlib import new as new_hash

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import Digest, answers
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-10",
    title="The password does not match (recomputed)",
    severity="critical",
    reference="RFC 7616 section 3.4.1",
    fix="Set the password that the provider's credential list has; the digest in the trace was made with another one.",
)
MOST_REALMS = 20
"""Of a dialog that are tried."""
_HASHES = {"MD5": md5, "MD5-SESS": md5, "SHA-256": sha256, "SHA-256-SESS": sha256}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per user name and what is wrong."""
    if not trace.options.passwords:
        return
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if request is None or not exchange.credentials or exchange.final is None:
            continue
        for sent in answers(request):
            password = trace.options.passwords.get(sent["username"])
            if password is None or sent["qop"] == "auth-int" or not sent["response"]:
                continue
            yield from _judged(exchange, request, sent, password)


def _judged(exchange: Exchange, request: Message, sent: Digest, password: str) -> Iterator[Finding]:
    refused = exchange.final is not None and exchange.final.status in (401, 403, 407)
    if _response(sent, request.method, sent["realm"], sent["uri"], password) == sent["response"].lower():
        if refused:
            yield _right(exchange, request, sent)
        return
    what = _which(exchange, request, sent, password)
    yield RULE.finding(
        f"The digest of {sent['username']} was not made with the password that you gave: {what}.",
        "User name, realm, nonce, method and uri are in the trace; only the password was missing, and with yours the "
        "digest comes out otherwise.",
        calls=[exchange.id],
        evidence=[quote(request, sent.header.name), quote(exchange.final)],
        severity="critical" if refused else "info",
        key=f"{sent['username']}:{what}",
        username=sent["username"],
        realm=sent["realm"],
        values=values_of(exchange.hop, request, exchange.final),
    )


def _right(exchange: Exchange, request: Message, sent: Digest) -> Finding:
    return RULE.finding(
        f"The digest of {sent['username']} is right for the password that you gave, and it was refused all the same.",
        "The PBX does it right: the provider has another password for this user, does not know the user, or the "
        "credential list is not attached to the trunk.",
        calls=[exchange.id],
        evidence=[quote(request, sent.header.name), quote(exchange.final)],
        key=f"right:{sent['username']}",
        username=sent["username"],
        realm=sent["realm"],
        values=values_of(exchange.hop, request, exchange.final),
    )


def _which(exchange: Exchange, request: Message, sent: Digest, password: str) -> str:
    """Which of realm and uri would make it fit; else it is the password."""
    wanted = sent["response"].lower()
    for realm in sorted(exchange.hop.realms)[:MOST_REALMS]:
        if _response(sent, request.method, realm, sent["uri"], password) == wanted:
            return f"the realm is wrong, it was computed for {realm}"
    if _response(sent, request.method, sent["realm"], request.ruri, password) == wanted:
        return "the uri is wrong, it was computed for the Request-URI and says another"
    return "the password is wrong in the PBX"


def _response(sent: Digest, method: str, realm: str, uri: str, password: str) -> str:
    if sent.algorithm not in _HASHES and sent.algorithm != "SHA-512-256":
        return ""

    def digest(text: str) -> str:
        data = text.encode("utf-8", "surrogateescape")
        made = new_hash("sha512_256", data) if sent.algorithm == "SHA-512-256" else _HASHES[sent.algorithm](data)
        return made.hexdigest()

    secret = digest(f"{sent['username']}:{realm}:{password}")
    if sent.algorithm.endswith("-SESS"):
        secret = digest(f"{secret}:{sent['nonce']}:{sent['cnonce']}")
    request = digest(f"{method}:{uri}")
    middle = f"{sent['nonce']}:{sent['nc']}:{sent['cnonce']}:{sent['qop']}" if sent["qop"] else sent["nonce"]
    return digest(f"{secret}:{middle}:{request}")
