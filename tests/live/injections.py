"""Texts that mean harm, in each place of an INVITE that its trunk lets in, and what may become of them on the way.

    UNCHANGED   the line reaches the carrier byte for byte
    OUR_HOST    the same, with our address for theirs (decision 7)
    REPLACED    nothing of it reaches the carrier
    EITHER      byte for byte, or nothing of it
    DIALLED     a number that goes out as it was dialled

Whatever its fate, the request may be refused instead; what does not reach the carrier may not do so in part, either.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from live_node import LiveTrunk
from raw_sip import sdp
from sip_mutations import NASTY

CALLED = "+15550100486"
PBX_MEDIA = "192.0.2.99"
"""Where the offers say that the audio goes. The carrier must not learn of it."""
FOREIGN = "foreign.example"
LONGEST_KEPT = 512
"""Characters of one field of a record."""
SQL, MARKUP = b"'; DROP TABLE calls;--", b"<script>alert(1)</script>"
TEXTS = (
    *NASTY,
    b"\r\nEvil: yes",
    b"\nEvil: yes",
    b"\rEvil: yes",
    b"\r\nP-Asserted-Identity: <sip:+15550001111@evil.example>",
    MARKUP,
    b"<img src=x onerror=alert(1)>",
    b"\x1b[31m\x1b]0;title\x07",
    "Jürgen Müller".encode(),
)
OF_ANY_INVITE = (
    *("Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "P-Asserted-Identity"),
    *("Content-Type", "Content-Length"),
)
AT_THE_CARRIER = {name.encode() for name in (*OF_ANY_INVITE, "Subject", "Diversion", "X-Custom", "X-Mark")}
IN_A_REPLY = {
    name.encode()
    for name in ("Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "X-Twilio-Error", "Proxy-Authenticate")
}


class Fate(Enum):
    UNCHANGED = auto()
    OUR_HOST = auto()
    REPLACED = auto()
    EITHER = auto()
    DIALLED = auto()


class Place(NamedTuple):
    header: str
    form: str
    """Its value, with TEXT, TOKEN, NUMBER, DOMAIN and MARK to be put in."""
    fate: Fate


REQUEST_URI = "Request-URI"
CREDENTIALS = Place(
    "Proxy-Authorization",
    'Digest username="TEXTTOKEN", realm="REALM", nonce="x", uri="sip:CALLED@DOMAIN", response="0", algorithm=MD5',
    Fate.REPLACED,
)
"""At a trunk that asks for credentials."""
DISPLAYED = Place("From", '"TEXT TOKEN" <sip:NUMBER@pbx.example>;tag=MARK', Fate.OUR_HOST)
CALLING = Place("From", "<sip:TEXTTOKEN@pbx.example>;tag=MARK", Fate.REPLACED)
"""No number that could call."""
PLACES = (
    Place("Subject", "TEXT TOKEN", Fate.UNCHANGED),
    Place("X-Custom", "TEXT TOKEN", Fate.UNCHANGED),
    Place("User-Agent", "TEXT TOKEN", Fate.REPLACED),
    Place("Organization", "TEXT TOKEN", Fate.REPLACED),
    Place("Contact", "TEXT TOKEN", Fate.REPLACED),
    Place("Contact", "<sip:TEXTTOKEN@pbx.example>", Fate.REPLACED),
    Place("Diversion", "TEXT TOKEN", Fate.REPLACED),
    Place("Diversion", f'"TEXT TOKEN" <sip:+15557654321@{FOREIGN}>', Fate.OUR_HOST),
    Place("Call-ID", "TEXTTOKEN", Fate.EITHER),
    DISPLAYED,
    CALLING,
    Place("To", '"TEXT TOKEN" <sip:CALLED@DOMAIN>', Fate.UNCHANGED),
    Place("To", "<sip:TEXTTOKEN@DOMAIN>", Fate.UNCHANGED),
    Place("P-Asserted-Identity", "TEXT TOKEN", Fate.REPLACED),
    Place("P-Asserted-Identity", '"TEXT TOKEN" <sip:NUMBER@pbx.example>', Fate.REPLACED),
    Place("P-Asserted-Identity", "<sip:TEXTTOKEN@pbx.example>", Fate.REPLACED),
    Place(REQUEST_URI, "sip:CALLEDTEXT@DOMAIN", Fate.DIALLED),
    CREDENTIALS,
)
EVERYWHERE = tuple(place for place in PLACES if "TEXT TOKEN" in place.form and place.header != "To")


@dataclass
class Injected:
    """One INVITE, and what came of it."""

    text: bytes
    places: tuple[Place, ...]
    mark: str
    """Its branch, tag and X-Mark."""
    token: str
    """Stands beside the text, wherever that is put."""
    number: str
    values: dict[str, bytes]
    """Of the headers with the text, and of Call-ID."""
    request: bytes
    answers: list[bytes] = field(default_factory=list)
    """Final ones, as the PBX got them."""
    at_carrier: list[bytes] = field(default_factory=list)

    @property
    def said(self) -> str:
        return f"{self.text[:40]!r} in {' and '.join(place.form for place in self.places)}"

    @property
    def status(self) -> int:
        """0: no answer."""
        return int(self.answers[0][8:11]) if self.answers else 0

    @property
    def is_unreadable(self) -> bool:
        """Kamailio finds no To or no Request-URI in it, a line that is no header, or their end too soon."""
        headers = {place.header for place in self.places}
        split = self.text == b"\r\n" and "TEXTTOKEN" in self.places[0].form
        return bool(headers & {"To", REQUEST_URI}) or split or b"\r\n\r\n" in self.text

    def read(self, header: str) -> str:
        """What a record keeps of that header."""
        said = as_read(self.values[header]).decode("utf-8", "replace")[:LONGEST_KEPT]
        return "".join(c if c.isprintable() else "?" for c in said)


def as_read(value: bytes) -> bytes:
    """A header's value as a parser reads it: up to the end of its last line, without the blanks around."""
    return re.split(rb"\r?\n(?![ \t])", value)[0].strip(b" \t\r\n")


def injected(
    text: bytes, places: tuple[Place, ...], trunk: LiveTrunk, realm: str, address: str, dialled: str = CALLED
) -> Injected:
    """An INVITE of `address` with the text in all of these places."""
    mark, token = secrets.token_hex(6), secrets.token_hex(5)
    uri = f"sip:{dialled}@{trunk.domain_name}".encode()
    body = sdp(PBX_MEDIA)
    values = {
        "Via": f"SIP/2.0/UDP {address};branch=z9hG4bK{mark};rport".encode(),
        "Max-Forwards": b"70",
        "From": f"<sip:{trunk.number}@pbx.example>;tag={mark}".encode(),
        "To": b"<" + uri + b">",
        "Call-ID": f"injected-{mark}".encode(),
        "CSeq": b"1 INVITE",
        "Contact": f"<sip:pbx@{address}>".encode(),
        "User-Agent": b"pbx",
        "X-Mark": mark.encode(),
    }
    changed = {}
    for place in places:
        words = {"TOKEN": token, "NUMBER": trunk.number, "DOMAIN": trunk.domain_name, "MARK": mark, "REALM": realm}
        value = place.form
        for word, meant in {**words, "CALLED": dialled}.items():
            value = value.replace(word, meant)
        changed[place.header] = value.encode().replace(b"TEXT", text)
    uri = changed.pop(REQUEST_URI, uri)
    values |= changed | {"Content-Type": b"application/sdp", "Content-Length": str(len(body)).encode()}
    lines = [b"INVITE " + uri + b" SIP/2.0", *(name.encode() + b": " + value for name, value in values.items())]
    return Injected(text, places, mark, token, trunk.number, values, b"\r\n".join([*lines, b"", body]))


def ack(answer: bytes, request: bytes) -> bytes:
    """Of a final answer that is no 2xx (RFC 3261 section 17.1.1.3)."""
    kept = (b"via:", b"from:", b"to:", b"call-id:")
    lines = [line for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n") if line.lower().startswith(kept)]
    first = request.partition(b"\r\n")[0].replace(b"INVITE ", b"ACK ", 1)
    return b"\r\n".join([first, *lines, b"CSeq: 1 ACK", b"Max-Forwards: 70", b"Content-Length: 0", b"", b""])


def faults(sent: Injected) -> Iterator[str]:
    """What of this INVITE's way is neither a refusal nor carrying it unchanged."""
    for answer in sent.answers:
        yield from _faults_of_answer(answer)
    if not sent.at_carrier:
        if sent.answers and not 400 <= sent.status < 500 and sent.status != 513:
            yield f"refused with {sent.status}"
        return
    if len(set(sent.at_carrier)) > 1:
        yield f"{len(set(sent.at_carrier))} requests at the carrier"
    yield from _faults_of_request(sent, sent.at_carrier[0])


def _faults_of_answer(answer: bytes) -> Iterator[str]:
    for line in _lines(answer.partition(b"\r\n\r\n")[0], rb"\r\n|\n")[1:]:
        if line.partition(b":")[0] not in IN_A_REPLY:
            yield f"the answer has {line!r}"
        if line.startswith(b"X-Twilio-Error:") and min(line) < 0x20:
            yield f"control characters in {line!r}"


def _faults_of_request(sent: Injected, request: bytes) -> Iterator[str]:
    head, _, body = request.partition(b"\r\n\r\n")
    if b"\0" in head:
        yield "a NUL at the carrier"
    if PBX_MEDIA.encode() in body or b"m=audio" not in body:
        yield f"not our SDP: {body[:300]!r}"
    # As the most lenient of parsers reads it.
    for line in _lines(head, rb"\r\n|\n|\r(?!\n)")[1:]:
        if line.partition(b":")[0] not in AT_THE_CARRIER:
            yield f"the carrier has {line!r}"
    lines = _lines(head, rb"\r\n")
    asserted = [line for line in lines if line.startswith(b"P-Asserted-Identity:")]
    if asserted != [f"P-Asserted-Identity: <sip:{sent.number}@127.0.0.1>".encode()]:
        yield f"asserted {asserted}"
    for place in sent.places:
        yield from _faults_of_place(sent, place, lines)


def _faults_of_place(sent: Injected, place: Place, lines: list[bytes]) -> Iterator[str]:
    if place.fate is Fate.DIALLED:
        user = lines[0].partition(b"sip:")[2].partition(b"@")[0]
        if user != CALLED.encode() + sent.text:
            yield f"the carrier is asked for {user!r}"
        return
    as_sent = place.header.encode() + b": " + sent.values[place.header]
    if place.fate is Fate.OUR_HOST:
        for theirs in (FOREIGN, "pbx.example"):
            as_sent = as_sent.replace(b"@" + theirs.encode(), b"@127.0.0.1")
    allowed = {
        Fate.REPLACED: [[]],
        Fate.EITHER: [[], [as_sent]],
        Fate.UNCHANGED: [[as_sent]],
        Fate.OUR_HOST: [[as_sent]],
    }[place.fate]
    if as_read(sent.values[place.header]) != sent.values[place.header].strip(b" \t\r\n"):
        # The text has ended the header: what is behind it is a header of its own, which is judged as such.
        allowed = [[]]
    if place.header == "Diversion" and not any(line.startswith(b"Diversion:") for line in lines):
        allowed = [[]]  # nothing that can be read as one (core/diversion.py)
    found = [line for line in lines if sent.token.encode() in line]
    if found not in allowed:
        yield f"{found} for {as_sent!r}"


def _lines(head: bytes, end: bytes) -> list[bytes]:
    """Its lines, folded ones as one."""
    return re.split(b"(?:" + end + rb")(?![ \t])", head)
