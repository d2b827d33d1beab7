"""A router rewrites SIP on its way (SIP ALG).

Proof: two contradictions in one message to the outside that a PBX does not make by itself: Content-Length is wrong or
the digest's uri differs from the Request-URI, and some of Via, Contact and SDP are public and others private.
Traps: good SBCs rewrite consistently; a PBX with half of its NAT settings mixes addresses too. Both kinds are needed.
Fix: SIP ALG off in the router, or TLS.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private, is_public, same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.uris import contact_of
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="NET-09",
    title="A router seems to rewrite SIP (ALG)",
    severity="warn",
    reference="RFC 3261 section 16 (who may change messages), RFC 6314 section 4",
    fix="Turn SIP ALG (SIP helper, SIP transformations) off in the router, or use TLS, which it cannot read.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per source."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if request is None or exchange.method not in ("INVITE", "REGISTER") or request.raw.source == "text":
            continue
        if not exchange.credentials and not request.problems:
            continue
        mixed = _mixed(request)
        signs = _broken(exchange, request) if mixed else []
        if not signs:
            continue
        source = request.src.ip if request.src is not None else "the sender"
        yield RULE.finding(
            f"{exchange.method} from {source}: {'; '.join([*signs, mixed])}.",
            "A router replaced addresses inside the message and left the rest as it was. Such messages are "
            "refused, or the "
            "call has no audio.",
            calls=[exchange.id],
            evidence=[quote(request, "Contact"), quote(request, "Via"), quote(request, "Content-Length")],
            confidence="strong" if len(signs) > 1 else "hint",
            key=source,
            values=values_of(exchange.hop, request),
        )


def _broken(exchange: Exchange, request: Message) -> list[str]:
    signs = []
    if not request.raw.truncated and any(
        p.kind in ("content_length_large", "content_length_small") for p in request.problems
    ):
        signs.append("Content-Length does not fit the body")
    for sent in exchange.answers:
        host, asked = split_uri(sent["uri"])[1], split_uri(request.ruri)[1]
        if host and asked and not same_host(host, asked):
            signs.append("the digest was made for another host")
    return signs


def _mixed(request: Message) -> str:
    places: list[tuple[str, str]] = []
    contact = contact_of(request)
    if request.vias:
        places.append(("Via", request.vias[-1].host))
    if contact is not None:
        places.append(("Contact", contact.host))
    audio = request.sdp.audio if request.sdp is not None else None
    if audio is not None:
        places.append(("SDP", audio.address))
    private = [name for name, host in places if is_private(host)]
    if not private or len(private) == len(places):
        return ""
    public = [name for name, host in places if is_public(host)]
    return f"{', '.join(private)} private and {', '.join(public)} public" if private and public else ""
