"""The signed identity (STIR) is stale, malformed, or names other numbers.

Proof: the PASSporT's iat is more than 60 s from the message's time, its numbers are not those in From and To, or it
cannot be read.
Traps: the clock of the capture may be wrong: then every PASSporT is off by the same. The signature is not verified.
Fix: number forms of the signer, NTP.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import asserted_numbers, digits_of, user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="CLI-05",
    title="Signed identity is stale, malformed or for other numbers",
    severity="warn",
    reference="RFC 8224 sections 4.1 and 6.2, RFC 8225",
    fix="Let the signer write numbers as digits of E.164, and keep its clock right (NTP).",
)
FRESH = 60
LONGEST = 16384


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per kind of fault."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request = exchange.request
        header = request.header("Identity") if request is not None else None
        if request is None or header is None or not exchange.initial:
            continue
        for kind, what in _faults(request, header.value):
            yield RULE.finding(
                what,
                "Whoever verifies the identity rejects it or lowers its attestation; calls are marked as spam or "
                "refused.",
                calls=[exchange.id],
                evidence=[quote(request, "Identity")],
                confidence="strong" if kind == "stale" else "proven",
                key=kind,
                values=values_of(exchange.hop, request, exchange.final),
            )


def _faults(request: Message, value: str) -> Iterator[tuple[str, str]]:
    token = value.partition(";")[0].strip()
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        yield "malformed", "The Identity header holds no PASSporT of three parts."
        return
    if not parts[0] and not parts[1]:
        return  # the compact form: its claims are From, To and Date
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        yield "malformed", "The PASSporT in Identity is no valid base64 JSON."
        return
    if not isinstance(claims, dict):
        yield "malformed", "The PASSporT in Identity holds no claims."
        return
    iat = claims.get("iat")
    if isinstance(iat, int) and request.time is not None and request.time > 1e9 and abs(request.time - iat) > FRESH:
        yield "stale", f"The PASSporT was made {abs(request.time - iat):.0f} s away from the time of the INVITE."
    asserted = digits_of((asserted_numbers(request) or [""])[0])
    shown = digits_of(request.from_.user) if request.from_ is not None else ""
    signed = _number(claims.get("orig"))
    if signed and signed not in (asserted, shown) and (asserted or len(shown) >= 7):
        yield "orig", f"The PASSporT was made for the caller {signed}, the call shows {asserted or shown}."
    called = {digits_of(user_of(request.ruri)), digits_of(request.to.user) if request.to is not None else ""}
    wanted = _number(claims.get("dest"))
    if wanted and wanted not in called and any(len(number) >= 7 for number in called):
        yield (
            "dest",
            f"The PASSporT was made for a call to {wanted}, this one goes to {cut(user_of(request.ruri), 40)}.",
        )


def _number(claim: object) -> str:
    number = claim.get("tn") if isinstance(claim, dict) else None
    if isinstance(number, list):
        number = number[0] if number else None
    return digits_of(number) if isinstance(number, str) else ""
