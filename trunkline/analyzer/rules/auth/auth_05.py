"""Nonce loop, or an old nonce used again.

Proof: two refusals in a row of requests with credentials, each with a new nonce; or a client that goes on with an old
nonce after a newer one; or nc that does not rise for one nonce.
Traps: one stale=true per life of a nonce is normal. A wrong password gives AUTH-02: there each answer uses the newest
nonce, and the client stops.
Fix: an update of the PBX; one device per account.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import is_stale
from trunkline.analyzer.rules.facts import Exchange, Hop, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-05",
    title="Nonce loop or stale nonce",
    severity="warn",
    reference="RFC 7616 sections 3.3 and 3.4",
    fix="Answer each challenge with its own, newest nonce; let only one device use the account.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per dialog."""
    for hop in {
        id(exchange.hop): exchange.hop for exchange in facts_of(trace).finals(401, 407) if exchange.credentials
    }.values():
        for what, exchange in (_old_nonce(hop), _loop(hop)):
            if exchange is None or exchange.final is None:
                continue
            sent = next(iter(exchange.answers), None)
            yield RULE.finding(
                what,
                "Each challenge brings a new nonce, and only an answer to that one counts. Whoever answers an "
                "old one is "
                "challenged again, for ever.",
                calls=[hop.id],
                evidence=[quote(exchange.request, sent.header.name if sent else ""), quote(exchange.final)],
                confidence="strong",
                key=f"{exchange.method}:{sent['username'] if sent else ''}:{sent['realm'] if sent else ''}",
                values=values_of(hop, exchange.request, exchange.final),
            )
            break


def _old_nonce(hop: Hop) -> tuple[str, Exchange | None]:
    """A request that was refused and had used another nonce than the newest that its sender had been given."""
    newest: dict[str, str] = {}
    for exchange in hop.exchanges:
        final = exchange.final
        if final is None or final.status not in (401, 407):
            continue
        for answer in exchange.answers:
            given = newest.get(answer["realm"])
            if given is not None and answer["nonce"] != given and exchange.request is not None:
                return (
                    (
                        f"{exchange.method} with CSeq {exchange.request.cseq} answered the nonce "
                        f"{answer['nonce'][:24]}…, though "
                        f"the server had given {given[:24]}… since, and got {final.status} again."
                    ),
                    exchange,
                )
        for challenge in exchange.challenges:
            newest[challenge["realm"]] = challenge["nonce"]
    return "", None


def _loop(hop: Hop) -> tuple[str, Exchange | None]:
    run: list[Exchange] = []
    for exchange in hop.exchanges:
        final = exchange.final
        if final is None or not exchange.credentials:
            continue
        realms = {answer["realm"] for answer in exchange.answers}
        again = [challenge for challenge in exchange.challenges if challenge["realm"] in realms]
        run = [*run, exchange] if again else []
        stale = sum(1 for one in run if is_stale(one.final, one.challenges))
        if len(run) >= 3 or stale >= 2:
            return (
                (
                    f"{len(run)} requests with credentials in a row were challenged anew"
                    f"{', as stale' if stale else ''}: the sender never gets past the nonce."
                ),
                exchange,
            )
    return "", None
