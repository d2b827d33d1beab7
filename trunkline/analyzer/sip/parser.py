"""The bytes of a SIP message to a `Message`, leniently: whatever comes in, a message comes out, and `problems` says
what had to be overlooked. RFC 3261 section 7 and 25, the torture messages of RFC 4475.

Legal, if rare, and no problem: compact names, any case, blanks ahead of the colon, folded lines, lists in one line.

The head is decoded as latin-1: characters are bytes then, so positions in the text are the offsets that evidence needs.
"""

from __future__ import annotations

from functools import lru_cache

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import RawMessage
from trunkline.analyzer.model.message import Head, Header, Message, Problem
from trunkline.analyzer.sip.header_names import BY_SPELLING, SINGLE, canonical
from trunkline.analyzer.sip.lines import is_number, is_token, line_of, lines_of, shape_of

KINDS = {
    "start_line": "neither a request line nor a status line",
    "start_line_spaces": "more than one blank between the parts of the start line, or blanks behind it",
    "request_uri": "the Request-URI holds blanks, <> or nothing",
    "version": "another version than SIP/2.0",
    "method": "the method is no token",
    "status": "the status is no number from 100 to 699",
    "missing_header": "a mandatory header is missing; the problem's text is its name",
    "duplicate_header": "a header stands twice that may stand once; the problem's text is its name",
    "header_line": "a line of the head without a colon",
    "header_name": "a header's name is no token",
    "no_empty_line": "the head ends without an empty line",
    "bare_lf": "lines end with LF instead of CRLF",
    "lone_cr": "lines end with CR alone",
    "nul": "a NUL byte in the head",
    "not_utf8": "a header is not UTF-8",
    "content_length": "Content-Length is no number",
    "content_length_large": "Content-Length is larger than the body that came",
    "content_length_small": "more bytes came than Content-Length says",
    "cseq": "CSeq is not a number below 2**31 and a method",
    "cseq_method": "CSeq names another method than the request line",
    "address": "From or To cannot be read; the problem's text begins with its name",
    "via": "a Via that cannot be read",
    "branch": "the top Via has no branch that begins with z9hG4bK (RFC 2543)",
    "number": "a number in a header that no one can mean; the problem's text begins with the header's name",
    "too_many_headers": "more headers than the limit; the rest was not read",
}
"""All kinds of `Problem` that `parse_message` notes. A truncated message has none that the cut alone can explain."""

_AHEAD = (b"\r", b"\n", b" ", b"\t")
_DEFAULT = Limits()
_ABSENT = 0, "", True
"""A CSeq that is not there: the missing header is the problem."""
_MOST_STATUS_LINES = 2_000


def parse_message(raw: RawMessage, index: int, limits: Limits = _DEFAULT) -> Message:
    """Never raises. `index` is the message's place in `Trace.messages`."""
    data = raw.data
    problems: list[Problem] = []
    start = 0
    if data[:1] in _AHEAD:
        start = len(data) - len(data.lstrip(b"\r\n \t"))
    end = data.find(b"\r\n\r\n", start)
    usual = _usual_head(data[start:end].decode("latin-1"), start, limits.headers) if end > start else None
    if usual is not None:
        body_offset = end + 4
    else:
        end, body_offset = _end_of_head(data, start)
        if body_offset > len(data):
            body_offset = len(data)
            if not raw.truncated:
                problems.append(Problem("no_empty_line", KINDS["no_empty_line"]))
        usual = _odd_head(data[start:end].decode("latin-1"), start, limits.headers, problems)
    head, start_line = usual
    method, ruri, status, reason = _start_line(start_line, problems)
    found = head.lines
    via_at, from_at, to_at, call_id_at, cseq_at = head.shape.places
    cseq, cseq_method, good_cseq = found[cseq_at].read if cseq_at >= 0 else _ABSENT
    if not good_cseq:
        problems.append(Problem("cseq", KINDS["cseq"], head.line("CSeq")))
    from_ = found[from_at].read if from_at >= 0 else None
    to = found[to_at].read if to_at >= 0 else None
    message = Message(
        raw,
        index,
        method if not status else cseq_method,
        ruri,
        status,
        reason,
        head,
        body_offset,
        b"",
        found[call_id_at].value if call_id_at >= 0 else "",
        cseq,
        cseq_method,
        from_,
        to,
        found[via_at].read if via_at >= 0 else (),
        problems,
        is_request=not status,
        time=raw.time,
        src=raw.src,
        dst=raw.dst,
        from_tag=(from_.params.get("tag") or "") if from_ is not None else "",
        to_tag=(to.params.get("tag") or "") if to is not None else "",
    )
    if head.shape.repeats:
        _repeated(message)
    _body(message)
    _check(message)
    return message


def _end_of_head(data: bytes, start: int) -> tuple[int, int]:
    """End of the last header line, and begin of the body: beyond the data where no empty line ends the head."""
    crlf = data.find(b"\n\r\n", start)
    bare = data.find(b"\n\n", start, crlf if crlf >= 0 else len(data))
    if bare >= 0:
        end = bare - 1 if data[bare - 1 : bare] == b"\r" else bare
        return end, bare + 2
    if crlf >= 0:
        end = crlf - 1 if data[crlf - 1 : crlf] == b"\r" else crlf
        return end, crlf + 3
    if b"\n" not in data and (alone := data.find(b"\r\r", start)) >= 0:
        return alone, alone + 2
    return max(start, len(data.rstrip(b"\r\n"))), len(data) + 1


def _usual_head(text: str, start: int, most: int) -> tuple[Head, str] | None:
    """The head and its start line, of what is as it should be: each line ends with CRLF and is a header. None: a closer
    look is needed.
    """
    texts = text.split("\r\n")
    start_line = texts[0]
    if text.count("\n") != len(texts) - 1 or not text.isascii() or len(texts) > most or "\0" in text:
        return None
    found = lines_of(texts[1:])
    shape = shape_of(found)
    if "" in shape.where or "\r" in start_line:
        return None
    return Head(found, shape, start + len(start_line) + 2), start_line


def _odd_head(text: str, start: int, most: int, problems: list[Problem]) -> tuple[Head, str]:
    """The same for all else, line by line."""
    texts, eol = _lines(text, problems)
    headers = _headers(texts, eol, start, most, problems)
    if not text.isascii() or "\0" in text:
        _odd_characters(headers, problems)
    found = [line_of(header.name, header.value, header.length) for header in headers]
    return Head(found, shape_of(found), 0, headers), texts[0]


def _lines(text: str, problems: list[Problem]) -> tuple[list[str], int]:
    """Lines of the head and the length of a line's end; 0: mixed, the lines carry theirs."""
    breaks = text.count("\n")
    if breaks == text.count("\r\n"):
        if breaks or "\r" not in text:
            return text.split("\r\n"), 2
        problems.append(Problem("lone_cr", KINDS["lone_cr"]))
        return text.split("\r"), 1
    problems.append(Problem("bare_lf", KINDS["bare_lf"]))
    if "\r" not in text:
        return text.split("\n"), 1
    return text.split("\n"), 0


def _headers(lines: list[str], eol: int, start: int, most: int, problems: list[Problem]) -> list[Header]:
    """Line by line, with everything that may be odd about a line."""
    headers: list[Header] = []
    if len(lines) > most:
        problems.append(Problem("too_many_headers", KINDS["too_many_headers"], most))
        lines = lines[:most]
    offset = start + len(lines[0]) + (eol or 1)
    for number, line in enumerate(lines[1:], 2):
        written, colon, value = line.partition(":")
        if line[:1] in (" ", "\t"):
            _fold(headers, line, offset, problems, number)
        elif name := (colon and BY_SPELLING.get(written)) or _odd_name(written, colon, line, problems, number):
            size = len(line) if eol else len(line.rstrip("\r"))
            headers.append(Header(name, value.strip(" \t\r"), offset, size, number))
        offset += len(line) + (eol or 1)
    return headers


def _fold(headers: list[Header], line: str, offset: int, problems: list[Problem], number: int) -> None:
    """A line that begins with a blank goes on with the header above (RFC 3261 section 7.3.1)."""
    if not headers:
        problems.append(Problem("header_line", KINDS["header_line"], number))
        return
    last = headers[-1]
    more = line.strip(" \t\r")
    last.value = f"{last.value} {more}".strip() if more else last.value
    last.length = offset + len(line.rstrip("\r")) - last.offset


def _odd_name(written: str, colon: str, line: str, problems: list[Problem], number: int) -> str:
    if not colon:
        if line.strip(" \t\r\0"):
            problems.append(Problem("header_line", KINDS["header_line"], number))
        return ""
    name = canonical(written)
    if not is_token(name):
        problems.append(Problem("header_name", KINDS["header_name"], number))
    return name


def _odd_characters(headers: list[Header], problems: list[Problem]) -> None:
    for header in headers:
        if not header.value.isascii():
            header.value = _utf8(header.value)
            if any("\udc80" <= char <= "\udcff" for char in header.value):
                problems.append(Problem("not_utf8", KINDS["not_utf8"], header.line))
        if "\0" in header.value or "\0" in header.name:
            problems.append(Problem("nul", KINDS["nul"], header.line))


def _utf8(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def _start_line(line: str, problems: list[Problem]) -> tuple[str, str, int, str]:
    """Method, Request-URI, status, reason."""
    line = line.rstrip("\r")
    if line[:8] == "SIP/2.0 " or line[:4].upper() == "SIP/":
        return usual_status_line(line) or _status_line(line, problems)
    method, _, rest = line.partition(" ")
    ruri, _, version = rest.rpartition(" ")
    if version == "SIP/2.0" and ruri and " " not in ruri and "<" not in ruri and (method.isalpha() or is_token(method)):
        return method, ruri if ruri.isascii() else _utf8(ruri), 0, ""
    return _odd_request_line(line, problems)


@lru_cache(_MOST_STATUS_LINES)
def usual_status_line(line: str) -> tuple[str, str, int, str] | None:
    """The same few stand above all responses; None: one that needs a closer look."""
    problems: list[Problem] = []
    read = _status_line(line, problems) if len(line) < 100 else None
    return None if problems else read


def _status_line(line: str, problems: list[Problem]) -> tuple[str, str, int, str]:
    version, _, rest = line.partition(" ")
    if version != "SIP/2.0" and version.upper() != "SIP/2.0":
        problems.append(Problem("version", KINDS["version"]))
    if rest[:1] == " ":
        problems.append(Problem("start_line_spaces", KINDS["start_line_spaces"]))
        rest = rest.lstrip(" ")
    code, _, reason = rest.partition(" ")
    if len(code) == 3 and is_number(code) and "100" <= code < "700":
        return "", "", int(code), reason.strip() if reason.isascii() else _utf8(reason.strip())
    problems.append(Problem("status", KINDS["status"]))
    # 999 keeps it a response; nobody takes it for a real status.
    return "", "", 999, _utf8(rest.strip())


def _odd_request_line(line: str, problems: list[Problem]) -> tuple[str, str, int, str]:
    parts = line.split()
    if len(parts) < 2 or not parts[-1].upper().startswith("SIP/"):
        problems.append(Problem("start_line", KINDS["start_line"]))
        return parts[0] if parts and is_token(parts[0]) else "", "", 0, ""
    method, ruri = parts[0], " ".join(parts[1:-1])
    if parts[-1].upper() != "SIP/2.0":
        problems.append(Problem("version", KINDS["version"]))
    if not is_token(method):
        problems.append(Problem("method", KINDS["method"]))
    if not ruri or " " in ruri or "<" in ruri:
        problems.append(Problem("request_uri", KINDS["request_uri"]))
    elif line != " ".join(parts):
        problems.append(Problem("start_line_spaces", KINDS["start_line_spaces"]))
    return method, _utf8(ruri), 0, ""


def _repeated(message: Message) -> None:
    """Several headers of one name: more Vias to read, or one too many."""
    seen: set[str] = set()
    vias = list(message.vias)
    for position, name in enumerate(message.head.names):
        if name not in seen:
            seen.add(name)
        elif name == "Via":
            vias += message.head.lines[position].read
        elif name in SINGLE:
            message.problems.append(Problem("duplicate_header", name, message.headers[position].line))
    message.vias = tuple(vias)


def _body(message: Message) -> None:
    """What Content-Length says of the bytes that came: text logs change line ends, there it is not even looked at."""
    raw, problems = message.raw, message.problems
    body = raw.data[message.body_offset :]
    declared = message.head.read("Content-Length")
    if declared is None or raw.source == "text":
        message.body = body
        return
    if declared < 0:
        problems.append(Problem("content_length", KINDS["content_length"], message.head.line("Content-Length")))
        message.body = body
        return
    if declared != len(body) or raw.trailing:
        kind = ""
        if declared > len(body):
            kind = "" if raw.truncated else "content_length_large"
        elif (body[declared:] + raw.trailing).strip(b"\r\n \t\0"):
            kind = "content_length_small"
        if kind:
            problems.append(Problem(kind, KINDS[kind], message.head.line("Content-Length")))
        body = body[:declared]
    message.body = body


def _check(message: Message) -> None:
    head, problems = message.head, message.problems
    where = head.where
    if head.shape.missing and not message.raw.truncated:
        problems.extend(Problem("missing_header", name) for name in head.shape.missing)
    if not message.status:
        if "Max-Forwards" not in where and not message.raw.truncated:
            problems.append(Problem("missing_header", "Max-Forwards"))
        if message.cseq_method != message.method and message.cseq_method:
            problems.append(Problem("cseq_method", KINDS["cseq_method"], head.line("CSeq")))
        for name in ("Max-Forwards", "Expires"):
            if head.read(name) is False:
                problems.append(Problem("number", f"{name} is {head.value(name)[:40]}", head.line(name)))
    if message.vias:
        if (message.vias[0].params.get("branch") or "")[:7] != "z9hG4bK":
            problems.append(Problem("branch", KINDS["branch"], head.line("Via")))
    elif "Via" in where:
        problems.append(Problem("via", KINDS["via"], head.line("Via")))
    if message.from_ is None and "From" in where:
        problems.append(Problem("address", "From cannot be read", head.line("From")))
    if message.to is None and "To" in where:
        problems.append(Problem("address", "To cannot be read", head.line("To")))
