"""Session descriptions (RFC 8866), read leniently, also out of multipart bodies (RFC 2046, RFC 5621)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.message import Message, Problem, Sdp, SdpMedia
from trunkline.analyzer.sip.address import params_of

KINDS = {
    "no_version": "the first line is not v=0",
    "no_origin": "there is no o= line, or it has not six parts",
    "no_media": "there is no m= line",
    "line": "a line that is not of the form x=value",
    "media": "an m= line with less than four parts",
    "port": "the port of an m= line is no number up to 65535",
    "no_address": "an m= section with a port and no c= line, neither its own nor the session's",
    "address": "a c= line that is not `IN IP4 address` or `IN IP6 address`",
    "rtpmap": "an a=rtpmap that cannot be read",
    "too_long": "more lines or sections than are read",
}
"""All kinds of `Problem` of a session description; their lines count from 1 at v=."""

# RFC 3551 tables 4 and 5.
STATIC: dict[int, tuple[str, int, int]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, 1),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CelB", 90000, 1),
    26: ("JPEG", 90000, 1),
    28: ("nv", 90000, 1),
    31: ("H261", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
    34: ("H263", 90000, 1),
}
_STATIC_TEXT = {str(payload_type): payload_type for payload_type in STATIC}
_DIRECTIONS = frozenset(("sendrecv", "sendonly", "recvonly", "inactive"))
_MOST_LINES = 2_000
_MOST_SECTIONS = 64
_NESTING = Limits().nesting


@dataclass(slots=True)
class _Section:
    """What an m= section, or the session above them, has said so far."""

    line: int
    kind: str = ""
    port: int = 0
    protocol: str = ""
    formats: tuple[str, ...] = ()
    address: str = ""
    family: str = ""
    address_line: int = 0
    direction: str = ""
    attributes: list[str] = field(default_factory=list)
    attribute_lines: list[int] = field(default_factory=list)


def sdp_of(message: Message) -> Sdp | None:
    """The first session description in a message's body, None where there is none."""
    body = message.body
    if not body or b"=" not in body:
        return None
    content_type = message.value("Content-Type")
    kind = _kind(content_type) if len(content_type) < 100 else content_type.partition(";")[0].strip().lower()
    offset = message.body_offset
    if kind.startswith("multipart/"):
        found = _part(body, content_type, 0)
        if found is None:
            return None
        offset, body = offset + found[0], found[1]
    elif kind not in ("application/sdp", "") or (not kind and body.lstrip()[:4] not in (b"v=0\r", b"v=0\n")):
        return None
    line = 1 + message.raw.data.count(b"\n", 0, offset)
    if len(body) > _LONGEST_KEPT:
        return parse_sdp(body, offset, line)
    known = _of_body(body)
    return Sdp(
        known.origin,
        known.session_id,
        known.session_version,
        known.address,
        known.media,
        known.attributes,
        known.text,
        offset,
        line,
        known.problems,
    )


_LONGEST_KEPT = 4096


@lru_cache(maxsize=4096)
def _of_body(body: bytes) -> Sdp:
    """The same description stands in an INVITE and its repetition with credentials, in 183 and 200, on each hop."""
    return parse_sdp(body, 0, 1)


@lru_cache(maxsize=256)
def _kind(content_type: str) -> str:
    """Without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _part(body: bytes, content_type: str, depth: int) -> tuple[int, bytes] | None:
    """Offset and bytes of the first application/sdp part."""
    boundary = params_of(content_type.partition(";")[2]).get("boundary")
    if not boundary or depth >= _NESTING:
        return None
    mark = b"--" + boundary.encode("utf-8", "surrogateescape")
    position = body.find(mark)
    while position >= 0:
        begin = body.find(b"\n", position) + 1
        end = body.find(mark, position + len(mark))
        if begin == 0:
            return None
        part = body[begin : end if end >= 0 else len(body)]
        found = _within(part, depth)
        if found is not None:
            return begin + found[0], found[1]
        position = end
    return None


def _within(part: bytes, depth: int) -> tuple[int, bytes] | None:
    """The session description in one part of a multipart body: itself, or in a multipart within."""
    head_end = part.find(b"\r\n\r\n")
    content = head_end + 4
    if head_end < 0:
        head_end = part.find(b"\n\n")
        content = head_end + 2
    if head_end < 0:
        return None
    for line in part[:head_end].decode("latin-1").split("\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() not in ("content-type", "c"):
            continue
        kind = value.partition(";")[0].strip().lower()
        if kind == "application/sdp":
            return content, part[content:].rstrip(b"\r\n") + b"\r\n"
        if kind.startswith("multipart/"):
            found = _part(part[content:], value.strip(), depth + 1)
            return (content + found[0], found[1]) if found is not None else None
    return None


def parse_sdp(body: bytes, offset: int, first_line: int) -> Sdp:
    """Never raises. `offset` and `first_line` say where it stands in the message; lines within it count from 1."""
    text = body.decode("utf-8", "surrogateescape")
    problems: list[Problem] = []
    session = _Section(0)
    sections: list[_Section] = []
    once: dict[str, str] = {}
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        problems.append(Problem("too_long", KINDS["too_long"], _MOST_LINES))
        lines.pop()
    current = session
    around = "\r \t\0" if "\0" in text else None
    for number, ended in enumerate(lines, 1):
        line = ended.strip(around if around and "\0" in ended else None)
        key, value = line[:1], line[2:]
        if line[1:2] != "=":
            if line:
                problems.append(Problem("line", KINDS["line"], number))
        elif key == "a":
            current.attributes.append(value)
            current.attribute_lines.append(number)
            if value in _DIRECTIONS:
                current.direction = value
        elif key == "m":
            current = _media(value, number, problems)
            sections.append(current)
            if len(sections) > _MOST_SECTIONS:
                problems.append(Problem("too_long", KINDS["too_long"], number))
                break
        elif key == "c":
            _connection(current, value, number, problems)
        elif key in "ov":
            once.setdefault(key, value)
    origin = once.get("o", "")
    session_id, session_version = _origin(origin, problems)
    _check_whole(text, once.get("v", ""), sections, problems)
    media = [_finished(section, session, problems) for section in sections]
    attributes = tuple(session.attributes)
    return Sdp(
        origin, session_id, session_version, session.address, media, attributes, text, offset, first_line, problems
    )


def _check_whole(text: str, version: str, sections: list[_Section], problems: list[Problem]) -> None:
    if version.strip() != "0" or not text.lstrip().startswith("v"):
        problems.append(Problem("no_version", KINDS["no_version"]))
    if not sections:
        problems.append(Problem("no_media", KINDS["no_media"]))


def _media(value: str, number: int, problems: list[Problem]) -> _Section:
    parts = value.split()
    section = _Section(number)
    if len(parts) < 4:
        problems.append(Problem("media", KINDS["media"], number))
    if parts:
        section.kind = parts[0].lower()
    if len(parts) > 1:
        port = parts[1].partition("/")[0]
        if port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536:
            section.port = int(port)
        else:
            problems.append(Problem("port", KINDS["port"], number))
    if len(parts) > 2:
        section.protocol = parts[2]
        section.formats = tuple(parts[3:])
    return section


def _connection(section: _Section, value: str, number: int, problems: list[Problem]) -> None:
    parts = value.split()
    if len(parts) != 3 or parts[0].upper() != "IN" or parts[1].upper() not in ("IP4", "IP6"):
        problems.append(Problem("address", KINDS["address"], number))
        if len(parts) < 3:
            return
    if not section.address:
        section.family = parts[1].upper()
        # A multicast address may carry a TTL behind a slash.
        section.address = _canonical(parts[2].partition("/")[0])
        section.address_line = number


def _canonical(address: str) -> str:
    """An IPv6 address in its one spelling, so that it is equal to that of the packets; IPv4 and names as they are."""
    if ":" not in address:
        return address
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _origin(origin: str, problems: list[Problem]) -> tuple[str, str]:
    parts = origin.split()
    if len(parts) < 6:
        problems.append(Problem("no_origin", KINDS["no_origin"]))
        return (parts[1] if len(parts) > 1 else ""), (parts[2] if len(parts) > 2 else "")
    # The user name may not hold blanks, but some do: the five parts behind it are counted from the end.
    return parts[-5], parts[-4]


def _finished(section: _Section, session: _Section, problems: list[Problem]) -> SdpMedia:
    own = bool(section.address)
    address = section.address or session.address
    if not address and section.port:
        problems.append(Problem("no_address", KINDS["no_address"], section.line))
    read = _read_attributes(tuple(section.attributes))
    problems += [Problem("rtpmap", KINDS["rtpmap"], section.attribute_lines[position]) for position in read.broken]
    is_rtp = "RTP" in section.protocol.upper()
    rtpmap = _rtpmap(read.attributes, section.formats) if is_rtp else {}
    named = read.named
    return SdpMedia(
        section.kind,
        section.port,
        section.protocol,
        section.formats,
        address,
        section.family if own else session.family,
        section.direction or session.direction or "sendrecv",
        rtpmap,
        read.fmtp,
        _number(named["ptime"]) if "ptime" in named else None,
        _number(named["maxptime"]) if "maxptime" in named else None,
        _number(named["rtcp"].strip().partition(" ")[0]) if "rtcp" in named else None,
        "rtcp-mux" in named,
        read.crypto,
        read.attributes,
        section.line,
        section.address_line if own else session.address_line,
    )


@dataclass(frozen=True, slots=True)
class _Attributes:
    """What the a= lines of a section say."""

    attributes: tuple[str, ...]
    rtpmap: dict[int, tuple[str, int, int]]
    broken: tuple[int, ...]
    """Which of the attributes are an rtpmap that cannot be read."""
    fmtp: dict[int, str]
    crypto: tuple[str, ...]
    named: dict[str, str]
    """The first of each other name."""


@lru_cache(maxsize=1024)
def _read_attributes(attributes: tuple[str, ...]) -> _Attributes:
    """The descriptions of one program differ in addresses and ports, and rarely here. One walk over the attributes: a
    description with many codecs has many of them.
    """
    rtpmap: dict[int, tuple[str, int, int]] = {}
    broken: list[int] = []
    fmtp: dict[int, str] = {}
    crypto: list[str] = []
    named: dict[str, str] = {}
    for position, attribute in enumerate(attributes):
        name, _, value = attribute.partition(":")
        if name == "rtpmap":
            read = _read_rtpmap(value) if len(value) < 80 else None
            if read is None:
                broken.append(position)
            else:
                rtpmap[read[0]] = read[1]
        elif name == "fmtp":
            payload, _, parameters = value.strip().partition(" ")
            payload_type = _number(payload)
            if payload_type is not None and payload_type < 128:
                fmtp.setdefault(payload_type, parameters.strip())
        elif name == "crypto":
            crypto.append(value.strip())
        else:
            named.setdefault(name, value)
    return _Attributes(attributes, rtpmap, tuple(broken), fmtp, tuple(crypto), named)


@lru_cache(maxsize=1024)
def _rtpmap(attributes: tuple[str, ...], formats: tuple[str, ...]) -> dict[int, tuple[str, int, int]]:
    """With the static types that no a=rtpmap names."""
    whole = dict(_read_attributes(attributes).rtpmap)
    for text in formats:
        static = _STATIC_TEXT.get(text)
        if static is not None:
            whole.setdefault(static, STATIC[static])
    return whole


@lru_cache(maxsize=1024)
def _read_rtpmap(value: str) -> tuple[int, tuple[str, int, int]] | None:
    """The same few stand in every description."""
    payload, _, encoding = value.strip().partition(" ")
    parts = encoding.strip().split("/")
    payload_type, clock = _number(payload), _number(parts[1]) if len(parts) > 1 else None
    if payload_type is None or payload_type > 127 or not clock or not parts[0]:
        return None
    channels = _number(parts[2]) if len(parts) > 2 else None
    return payload_type, (parts[0].strip(), clock, channels or 1)


def _number(text: str) -> int | None:
    """A whole number that a person can mean; `20.0` counts as 20, as some write ptime."""
    if not text.isdigit():
        text = text.strip().partition(".")[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def forget() -> None:
    """Empties what is kept between descriptions: an analysis leaves nothing of its input behind."""
    for kept in (_kind, _of_body, _read_attributes, _rtpmap, _read_rtpmap):
        kept.cache_clear()
