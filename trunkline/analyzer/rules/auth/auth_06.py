"""The digest does not fit the request.

Proof: the request was refused, and its uri names another user or host than the Request-URI, its realm is not that of
the challenge, its user name is empty, or its header is not the one that answers the challenge.
Traps: an ALG may have rewritten the Request-URI after the digest was made. Ports and parameters differ between
implementations that work: only user and host are compared. What was accepted is no fault.
Fix: realm and domain of the trunk; SIP ALG off.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import Digest, answer_header
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="AUTH-06",
    title="Digest fields do not fit the request",
    severity="critical",
    reference="RFC 3261 section 22.4, RFC 7616 section 3.4",
    fix="Compute the digest for the Request-URI that is sent and the realm of the challenge; turn SIP ALG off.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per kind of contradiction and user name."""
    facts = facts_of(trace)
    fine: set[str] | None = None
    for exchange in facts.finals(401, 403, 407):
        request, final = exchange.request, exchange.final
        if request is None or final is None or not exchange.credentials:
            continue
        for what, sent in _contradictions(exchange, request):
            if what.startswith("The digest was made"):
                if fine is None:
                    fine = {_uri_of(other) for other in facts.exchanges if other.credentials and _accepted(other)}
                if _uri_of(exchange) in fine:
                    continue
            yield RULE.finding(
                what,
                "The server computes the digest over what it received; one different field, and no password fits.",
                calls=[exchange.id],
                evidence=[quote(request, sent.header.name), quote(request), quote(final)],
                confidence="strong",
                key=what,
                username=sent["username"],
                realm=sent["realm"],
                values=values_of(exchange.hop, request, final),
            )
            break


def _contradictions(exchange: Exchange, request: Message) -> Iterator[tuple[str, Digest]]:
    before = _challenge_before(exchange, request)
    for sent in exchange.answers:
        if not sent["username"]:
            yield f"The {sent.header.name} of the {exchange.method} has an empty user name.", sent
        mine, asked = split_uri(sent["uri"]), split_uri(request.ruri)
        if sent["uri"] and not request.to_tag and (mine[0] != asked[0] or not same_host(mine[1], asked[1])):
            yield (
                f"The digest was made for {cut(sent['uri'], 80)}, and the request went to {cut(request.ruri, 80)}.",
                sent,
            )
        if before is None or before.final is None:
            continue
        realms = {challenge["realm"] for challenge in before.challenges}
        if realms and sent["realm"] not in realms and sent["realm"] not in exchange.hop.realms:
            yield (
                f"The digest names the realm {sent['realm']!r}; the challenge was for {', '.join(sorted(realms))!r}.",
                sent,
            )
        wanted = answer_header(before.final.status)
        if sent.header.name != wanted and request.header(wanted) is None and sent["realm"] in realms:
            yield f"The {before.final.status} was answered in {sent.header.name}; it has to be {wanted}.", sent


def _challenge_before(exchange: Exchange, request: Message) -> Exchange | None:
    earlier = (
        other
        for other in exchange.hop.before(exchange)
        if other.final is not None and other.final.status in (401, 407) and other.final.index < request.index
    )
    return next(earlier, None)


def _accepted(exchange: Exchange) -> bool:
    return exchange.final is not None and exchange.final.status < 300


def _uri_of(exchange: Exchange) -> str:
    """The host of the digest's uri: a server that once took it does not mind that it is another."""
    return next((split_uri(sent["uri"])[1] for sent in exchange.answers), "")
