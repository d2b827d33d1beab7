"""SIP messages out of the lines of a log: where each begins, and where it ends though other lines stand between.

Logs lose the CRLF of the wire, indent, put a prefix before every line, cut messages over several syslog packets and
print lines of their own in the middle. Content-Length is therefore only a hint of where a body ends; what no body can
be ends it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.text.clean import Line

START = re.compile(r"(?:[A-Z]{3,20} (?:sips?|tel|urn):\S{1,2000} SIP/2\.0|SIP/2\.0 [1-6]\d\d(?: .{0,300})?)\s*$")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9.!%*_+`'~-]{0,60}[ \t]*:")
_SDP_LINE = re.compile(r"[a-z]=")
_KNOWN = re.compile(
    r"(?:via|v|from|f|to|t|call-id|i|cseq|contact|m|content-[a-z]+|[lce]|max-forwards|user-agent|server|allow[a-z-]*|supported|k|"
    r"require|expires|session-expires|min-[a-z]+|record-route|route|proxy-[a-z]+|www-authenticate|authorization|x-[\w-]+|p-[\w-]+|"
    r"reason|date|privacy|remote-party-id|diversion|accept[a-z-]*|subject|event|subscription-state|refer-to|referred-by|rseq|rack|"
    r"warning|retry-after|timestamp|organization|history-info|identity|replaces|path|service-route|unsupported|in-reply-to|alert-info)"
    r"[ \t]*:",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*(?:[-=_*#]{4,}|<-+>|--end msg--|```.*|~~~.*)\s*$")


_MOST_FOREIGN = 6
"""Lines of the log's own within the headers of one message: with more of them the rest of it has gone elsewhere."""


class Found(NamedTuple):
    """One message: its bytes with CRLF line ends, and the indexes of its first line and of the first line behind it."""

    data: bytes
    first: int
    behind: int
    whole: bool
    """Whether it ended by itself: False where the log goes on with something else in the middle of it."""


def start_of(text: str) -> int:
    """Column at which a SIP start line begins, -1 where none does. A logger's prefix may stand before it."""
    if " SIP/2.0" in text:
        place = text.find(" SIP/2.0")
        begin = max(text.rfind(mark, 0, place) for mark in (" sip:", " sips:", " tel:", " urn:"))
        if begin < 0:
            # `prefix SIP/2.0 200 OK`
            return place + 1 if START.match(text, place + 1) else -1
        method = text.rfind(" ", 0, begin) + 1
        # tcpdump -A prints the bytes of the IP header right before the method.
        while method < begin and not START.match(text, method):
            method += 1
        return method if method < begin and text[method:begin].isupper() else -1
    if "SIP/2.0 " in text:
        place = text.find("SIP/2.0 ")
        return place if START.match(text, place) else -1
    return -1


def goes_on(lines: Sequence[Line], index: int, column: int) -> bool:
    """Whether a header follows this start line. Behind a prefix it may be only a sentence about a message."""
    prefix = lines[index].text[:column]
    following = [_stripped(line.text, prefix).strip() for line in lines[index + 1 : index + 4]]
    if following and start_of(following[0]) >= 0:
        return False  # the summary that tcpdump prints ahead of the packet
    return any(_KNOWN.match(text) for text in following)


def _is_echo(text: str, start_line: str, column: int) -> bool:
    """Whether a program says behind a start line, in a sentence of its own, that it has read it."""
    said = start_of(text)
    return column == 0 and said > 0 and text[said:].strip() == start_line.strip()


def collect(
    lines: Sequence[Line], index: int, column: int, limits: Limits, *, is_banner: Callable[[str], bool]
) -> Found:
    """The message whose start line is `lines[index].text[column:]`. `is_banner`: whether a line announces another."""
    prefix = lines[index].text[:column]
    head = [lines[index].text[column:].rstrip()]
    at, size = index + 1, len(head[0])
    length: int | None = None
    is_sdp = whole = False
    foreign = 0
    while at < len(lines):
        text = _stripped(lines[at].text, prefix)
        usual = _usual(text) if len(text) <= _LONGEST_KEPT else None
        if usual is not None:
            head.append(usual.text)
            length = length if usual.length is None else usual.length
            is_sdp = is_sdp if usual.is_sdp is None else usual.is_sdp
            size += len(text)
            at += 1
            if size > limits.message_bytes or len(head) > limits.headers:
                return Found(_join(head, []), index, at, whole=False)
            continue
        if not text.strip():
            if _double_spaced(lines, at, prefix):
                at += 1
                continue
            whole = True
            at += 1
            break
        known = _KNOWN.match(text) is not None
        if not known and not (len(head) == 1 and _is_echo(text, head[0], column)) and _stops(text, is_banner):
            break
        if text[0] in " \t" and not _HEADER.match(text.lstrip()):
            head.append(text.rstrip())
        elif known or (_HEADER.match(text.lstrip()) and not _SDP_LINE.match(text)):
            header = _read_header(text)
            head.append(header.text)
            length = length if header.length is None else header.length
            is_sdp = is_sdp if header.is_sdp is None else header.is_sdp
        elif _SDP_LINE.match(text.lstrip()) and len(head) > 3:
            break  # the blank line was lost
        elif _is_foreign(lines[at].text, prefix) or start_of(text) >= 0:
            foreign += 1
        else:
            head.append(" " + text.strip())  # a long header that a terminal has broken
        size += len(text)
        at += 1
        if size > limits.message_bytes or len(head) > limits.headers:
            return Found(_join(head, []), index, at, whole=False)
    body, at, complete = _body(lines, at, prefix, length, limits, is_sdp=is_sdp, is_banner=is_banner)
    torn = foreign > _MOST_FOREIGN
    return Found(_join(head, body), index, at, (whole or bool(body)) and complete and not torn)


def _stops(text: str, is_banner: Callable[[str], bool]) -> bool:
    """Whether this line belongs to no header: a rule, another message, what announces one."""
    return _RULE.match(text) is not None or start_of(text) >= 0 or is_banner(text)


class _Header(NamedTuple):
    """A header line, and what it says of the body."""

    text: str
    length: int | None = None
    is_sdp: bool | None = None


def _read_header(line: str) -> _Header:
    text = line.strip()
    name, _, value = text.partition(":")
    name = name.strip().lower()
    if name in ("content-length", "l") and value.strip().isdigit():
        return _Header(text, length=int(value.strip()[:9]))
    if name in ("content-type", "c"):
        return _Header(text, is_sdp="sdp" in value.lower())
    return _Header(text)


_LONGEST_KEPT = 300


@lru_cache(maxsize=8192)
def _usual(line: str) -> _Header | None:
    """A line that begins with the name of a header, as most do: messages of one log repeat them. None: another line."""
    return _read_header(line) if _KNOWN.match(line) else None


def forget() -> None:
    """Empties what is kept of a log's lines."""
    _usual.cache_clear()


def _body(
    lines: Sequence[Line],
    at: int,
    prefix: str,
    length: int | None,
    limits: Limits,
    *,
    is_sdp: bool,
    is_banner: Callable[[str], bool],
) -> tuple[list[str], int, bool]:
    """The body's lines, the index behind it, and whether it is about as long as Content-Length says."""
    body: list[str] = []
    size = 0
    if length == 0:
        return body, at, True
    skipped = 0
    while at < len(lines) and size < limits.message_bytes:
        text = _stripped(lines[at].text, prefix)
        bare = text.strip()
        if length is not None and size >= length:
            break
        if not bare:
            # Blank lines within SDP are the logger's; in other bodies they count.
            following = next(
                (_stripped(line.text, prefix).strip() for line in lines[at + 1 : at + 3] if line.text.strip()), ""
            )
            if (is_sdp or length is None) and not _SDP_LINE.match(following):
                break
            if not is_sdp and body:
                body.append("")
                size += 2
            at += 1
            continue
        is_sdp_line = _SDP_LINE.match(bare) is not None
        if not is_sdp_line and (_ends_body(text, is_sdp=is_sdp) or start_of(text) >= 0 or is_banner(text)):
            break
        if is_sdp or length is None:
            if not is_sdp_line:
                skipped += 1
                if skipped > 3 or length is None:
                    break
                at += 1
                continue
            bare_or_text = bare
        else:
            bare_or_text = text.rstrip()
        body.append(bare_or_text)
        size += _bytes(bare_or_text) + 2
        at += 1
    return body, at, length is None or size + len(body) + 2 >= length


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _ends_body(text: str, *, is_sdp: bool) -> bool:
    return _RULE.match(text) is not None and (is_sdp or not text.lstrip().startswith("--"))


def _stripped(text: str, prefix: str) -> str:
    """A line without the prefix that the start line had: the same text, or one that differs in its numbers."""
    if not prefix:
        return text
    if text.startswith(prefix):
        return text[len(prefix) :]
    if prefix.isspace():
        return text.lstrip()
    # Digits differ from line to line (times, counters), the rest of a prefix hardly.
    cut = _same_shape(text, prefix)
    return text[cut:] if cut else text


_TOKEN = re.compile(r"[0-9]+|[^0-9]")


@lru_cache(maxsize=256)
def _tokens(prefix: str) -> list[str]:
    return _TOKEN.findall(prefix[:400])


def _same_shape(text: str, prefix: str) -> int:
    """Length of a prefix of `text` that is equal to `prefix` but for its numbers; 0: there is none."""
    at = 0
    for token in _tokens(prefix):
        if token[0].isdigit():
            end = at
            while end < len(text) and text[end].isdigit():
                end += 1
            if end == at:
                return 0
            at = end
        elif at < len(text) and text[at] == token:
            at += 1
        else:
            return 0
    return at


def _is_foreign(text: str, prefix: str) -> bool:
    """A line of the log's own in the middle of a message: it begins with a time or a level."""
    if prefix and not prefix.isspace() and _stripped(text, prefix) == text:
        return True
    head = text.lstrip()[:30]
    return head[:1] in "[<" or head[:4].isdigit() or (len(head) > 8 and head[2:3] == ":" and head[5:6] == ":")


def _double_spaced(lines: Sequence[Line], at: int, prefix: str) -> bool:
    """Whether this blank line is between two headers: some viewers print CRLF as two line ends."""
    if at + 1 >= len(lines):
        return False
    following = _stripped(lines[at + 1].text, prefix).strip()
    return _KNOWN.match(following) is not None


def _join(head: list[str], body: list[str]) -> bytes:
    text = "\r\n".join(head) + "\r\n\r\n" + "".join(f"{line}\r\n" for line in body)
    return text.encode("utf-8", "surrogateescape")
