"""A PBX says where it is: what one REGISTER makes of the contacts of its trunk (RFC 3261 section 10.3).

The address of record is the trunk itself, whatever To says: a trunk is one line with many numbers. The number that is
called goes into the Request-URI, and all else of a contact is used as the PBX gave it. A contact is reached over the
flow that its REGISTER came by, so that NATs and connections need nothing of the operator (RFC 5626 has the idea).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trunkline.core import name_addr, sip_uri
from trunkline.core.networks import NetworkError, plain_address
from trunkline.core.record import record

SHORTEST, USUAL, LONGEST = 60, 3600, 3600
"""Seconds until a contact expires: a PBX that asks for less gets 423, one that asks for more gets LONGEST."""
MOST_CONTACTS = 10
"""Per trunk. One more takes the place of the one that was refreshed longest ago: a PBX that comes back after a restart
under another address must not wait until its old ones expire.
"""
_LONGEST_URI = 512
_NO_PARAMS = frozenset(("alias", "ob", "reg-id"))
"""Of no use in our requests, or ours to say."""
_SECONDS = re.compile(r"\s*[0-9]{1,10}\s*")
_Q = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class Contact(NamedTuple):
    """One place where a registered PBX is."""

    trunk_sid: str
    uri: str
    """As the PBX wrote it."""
    q: float
    """0 to 1, high first."""
    source_ip: str
    source_port: int
    transport: str
    """`udp`, `tcp` or `tls`: how the REGISTER came, and so how calls go."""
    until: float
    """Unix seconds at which it expires."""
    refreshed: float
    """Unix seconds of the last REGISTER that named it."""
    call_id: str
    cseq: int
    instance: str = ""
    """`+sip.instance` and `reg-id` (RFC 5626), where the PBX has them: its next contact replaces this one."""
    user_agent: str = ""

    @property
    def key(self) -> str:
        """Equal for contacts that are one (RFC 3261 section 19.1.4, as far as routing can tell them apart)."""
        return _key(self.uri)


@record
class Register:
    """What a REGISTER says besides who sends it."""

    contacts: str | None
    """All Contact values, with commas between them; None: it asks what is there."""
    expires: str | None
    call_id: str
    cseq: int
    source_ip: str
    source_port: int
    transport: str
    user_agent: str = ""


@record
class Registered:
    """The answer, and the contacts of the trunk from now on."""

    status: int
    reason: str
    contacts: tuple[Contact, ...]
    """All of the trunk, those before included; as before where the request failed."""
    added: tuple[Contact, ...] = ()
    removed: tuple[Contact, ...] = ()
    """By the PBX's own word, or to make room."""
    min_expires: int | None = None

    def headers(self, now: float) -> tuple[tuple[str, str], ...]:
        """Of the answer. `now`: Unix seconds."""
        if self.min_expires is not None:
            return (("Min-Expires", str(self.min_expires)),)
        if self.status != 200:
            return ()
        return tuple(
            ("Contact", f"<{row.uri}>;expires={max(0, round(row.until - now))};q={row.q:g}") for row in self.contacts
        )


class _BadRegister(ValueError):
    """The request cannot be carried out; the text says why."""


def register(request: Register, trunk_sid: str, before: Iterable[Contact], now: float) -> Registered:
    """What becomes of the trunk's contacts. All or nothing (RFC 3261 section 10.3, step 7). `now`: Unix seconds."""
    alive = tuple(row for row in before if row.until > now)
    if not request.contacts:
        return Registered(200, "OK", in_order(alive))
    try:
        if request.contacts.strip() == "*":
            return _remove_all(request, alive)
        named = [_contact(value, request, trunk_sid, now) for value in _values(request.contacts)]
    except _BadRegister as problem:
        return Registered(400, str(problem), alive)
    if any(0 < row.until - now < SHORTEST for row in named):
        return Registered(423, "Interval Too Brief", alive, min_expires=SHORTEST)
    kept = list(alive)
    removed: list[Contact] = []
    for row in named:
        same = [old for old in kept if old.key == row.key or (row.instance and old.instance == row.instance)]
        if any(old in alive and old.call_id == row.call_id and old.cseq >= row.cseq for old in same):
            return Registered(500, "CSeq Is Out Of Order", alive)
        kept = [old for old in kept if old not in same]
        if row.until > now:
            kept.append(row)
        else:
            removed += same
    kept.sort(key=lambda row: row.refreshed, reverse=True)
    removed += kept[MOST_CONTACTS:]
    kept = kept[:MOST_CONTACTS]
    known = {row.key for row in alive}
    added = tuple(row for row in named if row in kept and row.key not in known)
    return Registered(200, "OK", in_order(kept), added, tuple(removed))


def in_order(contacts: Iterable[Contact]) -> tuple[Contact, ...]:
    """By q, the one that was refreshed last first where they are equal."""
    return tuple(sorted(contacts, key=lambda row: (-row.q, -row.refreshed, row.uri)))


def _remove_all(request: Register, alive: Sequence[Contact]) -> Registered:
    if request.expires is None or request.expires.strip() != "0":
        raise _BadRegister("Contact * needs Expires 0")
    if any(row.call_id == request.call_id and row.cseq >= request.cseq for row in alive):
        return Registered(500, "CSeq Is Out Of Order", tuple(alive))
    return Registered(200, "OK", (), (), tuple(alive))


def _contact(value: str, request: Register, trunk_sid: str, now: float) -> Contact:
    try:
        parsed = name_addr.parse(value)
        uri = sip_uri.parse(parsed.uri)
    except (name_addr.NameAddrError, sip_uri.SipUriError):
        raise _BadRegister("Contact Cannot Be Read") from None
    if uri.scheme == "tel" or len(parsed.uri) > _LONGEST_URI or not parsed.uri.isascii():
        raise _BadRegister("Contact Is No SIP URI")
    q = (parsed.param("q") or "1").strip()
    if not _Q.fullmatch(q):
        raise _BadRegister("Contact With A q That Is Not 0 To 1")
    instance = parsed.param("+sip.instance") or ""
    return Contact(
        trunk_sid,
        parsed.uri,
        float(q),
        request.source_ip,
        request.source_port,
        request.transport,
        now + _seconds(parsed.param("expires"), request.expires),
        now,
        request.call_id,
        request.cseq,
        f"{instance} {parsed.param('reg-id') or ''}".strip() if instance else "",
        request.user_agent,
    )


def _seconds(own: str | None, of_all: str | None) -> int:
    """What cannot be read counts as not said (RFC 3261 section 10.2.1.1)."""
    for text in (own, of_all):
        if text is not None and _SECONDS.fullmatch(text):
            return min(int(text), LONGEST)
    return USUAL


def _key(text: str) -> str:
    uri = sip_uri.parse(text)
    transport = (uri.param("transport") or "").lower()
    return f"{uri.scheme}:{uri.user}@{uri.host_port};{transport};{uri.param('line') or ''}"


def _values(text: str) -> list[str]:
    """The values of a header, of which each may have commas in quotes and brackets."""
    values: list[str] = []
    start, quoted, inside, escaped = 0, False, False, False
    for at, c in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and c == "\\":
            escaped = True
        elif c == '"' and not inside:
            quoted = not quoted
        elif c in "<>" and not quoted:
            inside = c == "<"
        elif c == "," and not quoted and not inside:
            values.append(text[start:at])
            start = at + 1
    values.append(text[start:])
    return [value for value in values if value.strip()]


def request_uri(contact: Contact, called: str) -> str:
    """Where a call for `called` (+E.164) goes: the contact with this number as its user. Behind the TLS front the
    connection stands in `alias`, as Kamailio's nathelper writes it.
    """
    uri = sip_uri.parse(contact.uri)
    params = "".join(
        f";{item}"
        for item in uri.params.split(";")
        if item and item.partition("=")[0].lower() not in _NO_PARAMS | {"transport"}
    )
    if contact.transport == "tls":
        params += f";alias={sip_uri.bracketed(contact.source_ip)}~{contact.source_port}~3"
    return f"sip:{called}@{uri.host_port};transport={contact.transport}{params}"


def next_hop(contact: Contact) -> str | None:
    """The flow by which it came, a SIP URI; None: TLS, of which the front knows the flow.

    By UDP the contact's own address counts where it is the one that the REGISTER came from: such a PBX is behind no
    NAT and may send from another port than it listens at. Nowhere else: nobody can have us call third parties.
    """
    if contact.transport == "tls":
        return None
    host, port = contact.source_ip, contact.source_port
    if contact.transport == "udp" and not needs_keep_alive(contact):
        port = sip_uri.parse(contact.uri).port or 5060
    return f"sip:{sip_uri.bracketed(host)}:{port};transport={contact.transport}"


def needs_keep_alive(contact: Contact) -> bool:
    """Whether a NAT stands between, whose memory of the flow has to be refreshed. Connections refresh their own."""
    if contact.transport != "udp":
        return False
    try:
        return str(plain_address(sip_uri.parse(contact.uri).host)) != str(plain_address(contact.source_ip))
    except NetworkError:
        return True  # a name: only the flow is known to lead there
