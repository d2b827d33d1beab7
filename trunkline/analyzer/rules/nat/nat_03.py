"""A private address in Contact towards a public peer.

Proof: Contact of an INVITE, REGISTER, SUBSCRIBE or 2xx that goes to a public address names a private one.
Traps: peers that force the source address hide the problem: critical only where a later request to it failed, else a
warning. WebSocket clients use .invalid rightly. A provider's own private Contact behind Record-Route is its business.
A hop inside a network (both ends private) needs no public address.
Fix: the public address for signalling.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Hop, facts_of, to_public_peer
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.uris import contact_of
from trunkline.analyzer.rules.values import received_address, values_of

RULE = Rule(
    id="NAT-03",
    title="Private address in Contact",
    severity="critical",
    reference="RFC 3261 sections 8.1.1.8 and 12.1.1, RFC 1918",
    fix="Tell the PBX its public address for signalling.",
)
METHODS = ("INVITE", "REGISTER", "SUBSCRIBE", "UPDATE")


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per address and gravity."""
    facts = facts_of(trace)
    for hop in facts.hops:
        message = _with_private_contact(trace, hop)
        contact = contact_of(message)
        if message is None or contact is None:
            continue
        failed = _failed_to(hop, message)
        sure = failed is not None
        what = "The 200" if message.status else message.method
        yield RULE.finding(
            f"{what} from {message.src or 'the PBX'} to {message.dst or 'a public peer'} has the contact "
            f"{contact.host}, which "
            "nobody outside can reach." + (f" {failed.method} to it failed." if failed is not None else ""),
            "Requests within the call (ACK, BYE, re-INVITE) and calls to a registered PBX go to the Contact. "
            "Some servers "
            "use the source address instead; others lose the call after 32 s.",
            calls=[hop.id],
            evidence=[quote(message, "Contact"), quote(failed)],
            severity="critical" if sure else "warn",
            confidence="strong" if sure else "proven",
            key=f"{contact.host}:{sure}",
            values=values_of(hop, message)
            | {"private_ip": contact.host if is_private(contact.host) else "", "public_ip": _seen_as(hop)},
        )


def _with_private_contact(trace: Trace, hop: Hop) -> Message | None:
    """The first message of a side that shows one; what a side writes once it writes always."""
    looked: set[Endpoint | None] = set()
    for message in hop.messages:
        if (
            message.method not in METHODS
            or message.src in looked
            or (message.status and not 200 <= message.status < 300)
        ):
            continue
        if (message.status and message.method == "REGISTER") or not message.has("Contact"):
            continue
        looked.add(message.src)
        contact = contact_of(message)
        if contact is not None and _wrong(contact.host) and _outside(trace, hop, message):
            return message
    return None


def _wrong(host: str) -> bool:
    return is_private(host) or host.lower() == "localhost"


def _outside(trace: Trace, hop: Hop, message: Message) -> bool:
    if message.raw.transport in ("ws", "wss") or not to_public_peer(message) or is_scanner(message):
        return False
    if message.has("Record-Route"):
        return False  # later requests go to the proxy that recorded itself, and it knows the way
    return not (hop.by_provider(message) and trace.profile.signalling.private_contact)


def _failed_to(hop: Hop, message: Message) -> Message | None:
    """A later request of the other side that was repeated and never answered, or a 2xx of this side without ACK."""
    mine = hop.sender(message)
    for exchange in hop.exchanges:
        request = exchange.request
        if request is None or request.index < message.index:
            continue
        if (
            hop.sender(request) != mine
            and request.to_tag
            and not exchange.transaction.responses
            and len(exchange.transaction.requests) > 2
        ):
            return request
        final = exchange.final
        if (
            exchange.method == "INVITE"
            and final is not None
            and 200 <= final.status < 300
            and hop.sender(final) == mine
        ):
            repeats = [m for m in exchange.transaction.responses if m.status == final.status and m.duplicate_of is None]
            if len(repeats) > 2 and not exchange.transaction.ack:
                return final
    return None


def _seen_as(hop: Hop) -> str:
    return next((seen for exchange in hop.exchanges if (seen := received_address(exchange.final))), "")
