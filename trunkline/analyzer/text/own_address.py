"""Most logs name only the other side. Who wrote the log follows from what it sent: its Via, else its Contact."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from functools import lru_cache

from trunkline.analyzer.addresses import is_private
from trunkline.analyzer.model.capture import Endpoint, RawMessage, Transport

_VIA = re.compile(
    rb"^(?:Via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*(\w{2,8})[ \t]+"
    rb"\[?([0-9A-Fa-f.:]{3,45}?)\]?(?::(\d{1,5}))?[ \t]*(?:;|\r|$)",
    re.IGNORECASE | re.MULTILINE,
)
_CONTACT = re.compile(
    rb"^(?:Contact|m)[ \t]*:.{0,300}?sips?:(?:[^@\r\n>]{0,200}@)?\[?([0-9A-Fa-f.:]{3,45}?)\]?(?::(\d{1,5}))?[;>\r]",
    re.IGNORECASE | re.MULTILINE,
)
_RURI = re.compile(rb"[A-Z]{3,20} sips?:(?:[^@\s]{0,200}@)?\[?([0-9A-Fa-f.:]{3,45}?)\]?(?::(\d{1,5}))?[ ;>]")
_BRANCH = re.compile(rb";[ \t]*branch[ \t]*=[ \t]*([^;,\s]{1,200})", re.IGNORECASE)
_RECEIVED = re.compile(rb";[ \t]*received[ \t]*=[ \t]*\[?([0-9A-Fa-f.:]{3,45})", re.IGNORECASE)
_RPORT = re.compile(rb";[ \t]*rport[ \t]*=[ \t]*(\d{1,5})", re.IGNORECASE)
_TRANSPORTS: dict[bytes, Transport] = {
    b"UDP": "udp",
    b"TCP": "tcp",
    b"TLS": "tls",
    b"WS": "ws",
    b"WSS": "wss",
    b"SCTP": "sctp",
}


def fill_in_own_side(messages: list[RawMessage]) -> None:
    """Completes `src` of what was sent and `dst` of what was received, and the transport, where the log has none.

    Each remote address is served by one own address: the one most often seen towards it, else the most frequent of all.
    A gateway between two networks has one in each: a private peer that asks for a private address reached that one.
    """
    seen, towards = _count_own(messages)
    if not seen:
        return
    usual = seen.most_common(1)[0][0]
    inside: dict[str, Endpoint] = {}
    for message in messages:
        if message.sent_by_us is None:
            continue
        other = message.dst if message.sent_by_us else message.src
        counted = towards.get(other.ip) if other is not None else None
        own = counted.most_common(1)[0][0] if counted else _inside(message, usual, inside)
        if message.sent_by_us and message.src is None:
            message.src = own
        elif not message.sent_by_us and message.dst is None:
            message.dst = own


def _count_own(messages: list[RawMessage]) -> tuple[Counter[Endpoint], dict[str, Counter[Endpoint]]]:
    """Own addresses, of all messages and towards each remote address. Completes the transport on the way."""
    seen: Counter[Endpoint] = Counter()
    towards: dict[str, Counter[Endpoint]] = {}
    for message in messages:
        if message.transport == "unknown":
            message.transport = _transport(message.data)
        if message.sent_by_us and message.src is None:
            own = _own(message.data)
            if own is not None:
                seen[own] += 1
                if message.dst is not None:
                    towards.setdefault(message.dst.ip, Counter())[own] += 1
    if not seen:
        seen.update(filter(None, map(_addressed, messages)))
    return seen, towards


def _inside(message: RawMessage, own: Endpoint, inside: dict[str, Endpoint]) -> Endpoint:
    """`own`, or, where that is public, the private address that a private peer's requests name."""
    if is_private(own.ip) or bool(message.sent_by_us) != message.data.startswith(b"SIP/2.0"):
        return own
    peer = _top_via(message.data)
    if peer is None or not is_private(peer.ip):
        return own
    named = _addressed(message)
    if named is not None and is_private(named.ip) and named.ip != peer.ip:
        inside[peer.ip] = named
    return inside.get(peer.ip, own)


def fill_in_other_side(messages: list[RawMessage]) -> None:
    """Completes the other side where the log names only the direction (`Sent:`, `UDP message received`).

    A request goes to its Request-URI and comes from its top Via; a response goes back to where the request came from,
    and comes from where it went. Names are left alone: who they were is not known.
    """
    went: dict[bytes, Endpoint] = {}
    for message in messages:
        if message.sent_by_us is None or (message.dst if message.sent_by_us else message.src) is not None:
            continue
        branch = _first(_BRANCH, message.data)
        if message.data.startswith(b"SIP/2.0"):
            if message.sent_by_us:
                message.dst = _top_via(message.data)
            else:
                message.src = went.get(branch)
        elif not message.sent_by_us:
            sender = _top_via(message.data)
            message.src = sender if sender != message.dst else None
        elif b"\r\nRoute:" not in message.data:
            found = _RURI.match(message.data)
            message.dst = _endpoint(found[1], found[2]) if found else None
            if message.dst is not None and branch:
                went[branch] = message.dst


def _first(pattern: re.Pattern[bytes], data: bytes) -> bytes:
    found = pattern.search(data)
    return found[1] if found else b""


def _top_via(data: bytes) -> Endpoint | None:
    """Where the top Via says that the request came from: `received` and `rport`, else what its sender wrote."""
    found = _VIA.search(data)
    if found is None:
        return None
    line = data[found.start() : data.find(b"\r\n", found.start())].split(b",")[0]
    return _endpoint(_first(_RECEIVED, line) or found[2], _first(_RPORT, line) or found[3])


def _own(data: bytes) -> Endpoint | None:
    """The sender's address as it says it itself: the top Via of a request, the Contact of a response."""
    if data.startswith(b"SIP/2.0"):
        found = _CONTACT.search(data)
        return _endpoint(found[1], found[2]) if found else None
    found = _VIA.search(data)
    return _endpoint(found[2], found[3]) if found else None


def _addressed(message: RawMessage) -> Endpoint | None:
    """Where a received request went, if it names an address: the best there is when nothing of ours was sent."""
    if message.sent_by_us is not False:
        return None
    found = _RURI.match(message.data)
    return _endpoint(found[1], found[2]) if found else None


def _transport(data: bytes) -> Transport:
    found = _VIA.search(data)
    return _TRANSPORTS.get(found[1].upper(), "unknown") if found else "unknown"


@lru_cache(maxsize=4096)
def _endpoint(address: bytes, port: bytes | None) -> Endpoint | None:
    try:
        ip = str(ipaddress.ip_address(address.decode("ascii")))
    except ValueError:
        return None
    number = int(port) if port else 5060
    return Endpoint(ip, number) if number < 65536 else None
