"""The bytes of a SIP message to a `Message`, leniently: whatever comes in, a message comes out, and `problems` says
what had to be overlooked. RFC 3261 section 7 and 25, the torture messages of RFC 4475.

Legal, if rare, and no problem: compact names, any case, blanks ahead of the colon, folded lines, lists in one line.

The head is decoded as latin-1: characters are bytes then, so positions in the text are the offsets that evidence needs.
"""

from __future__ import annotations

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import RawMessage
from trunkline.analyzer.model.message import Head, Header, Message, Problem
from trunkline.analyzer.sip import address
from trunkline.analyzer.sip.header_names import BY_SPELLING, SINGLE, canonical

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

_TOKEN_EXTRA = str.maketrans("", "", "-.!%*_+`'~")
_IN_ORDER = ("Via", "From", "To", "Call-ID", "CSeq")
_MANDATORY = frozenset(_IN_ORDER)
_AHEAD = (b"\r", b"\n", b" ", b"\t")
_DEFAULT = Limits()
_CSEQ_END = 1 << 31


def parse_message(raw: RawMessage, index: int, limits: Limits = _DEFAULT) -> Message:
    """Never raises. `index` is the message's place in `Trace.messages`."""
    data = raw.data
    problems: list[Problem] = []
    start = 0
    if data[:1] in _AHEAD:
        start = len(data) - len(data.lstrip(b"\r\n \t"))
    head_end, body_offset = _end_of_head(data, start)
    text = data[start:head_end].decode("latin-1")
    if body_offset > len(data) and not raw.truncated:
        problems.append(Problem("no_empty_line", KINDS["no_empty_line"]))
    head, start_line = _head(text, start, limits.headers, problems)
    method, ruri, status, reason = _start_line(start_line, problems)
    where, value = head.where, head.value
    cseq, cseq_method = _cseq(value("CSeq"), head, problems)
    message = Message(
        raw,
        index,
        method if not status else cseq_method,
        ruri,
        status,
        reason,
        head,
        min(body_offset, len(data)),
        b"",
        value("Call-ID"),
        cseq,
        cseq_method,
        address.read_name_addr(value("From")) if "From" in where else None,
        address.read_name_addr(value("To")) if "To" in where else None,
        list(address.read_vias(value("Via"))) if "Via" in where else [],
        problems,
    )
    if len(where) != len(head.names):
        _repeated(message)
    _body(message, value("Content-Length"))
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


def _head(text: str, start: int, most: int, problems: list[Problem]) -> tuple[Head, str]:
    """The head and its start line: the fast way for what is as it should be, the slow one for all else."""
    lines = text.split("\r\n")
    if text.count("\n") == len(lines) - 1 and len(lines) <= most and text.isascii():
        names: list[str] = []
        where: dict[str, int] = {}
        spelled = BY_SPELLING
        for line in lines[1:]:
            name = spelled.get(line.partition(":")[0])
            if name is None:
                name = _other_name(line)
                if not name:
                    break
            if name not in where:
                where[name] = len(names)
            names.append(name)
        else:
            if "\0" not in text and "\r" not in lines[0]:
                return Head(lines, names, where, 2, start), lines[0]
    lines, eol = _lines(text, problems)
    headers = _headers(lines, eol, start, most, problems)
    if not text.isascii() or "\0" in text:
        _odd_characters(headers, problems)
    return Head.of(headers), lines[0]


def _other_name(line: str) -> str:
    """The name of a header that is not written as it is every day; empty: the line needs a closer look."""
    written, colon, _ = line.partition(":")
    if not colon or line[0] in " \t":
        return ""
    name = canonical(written)
    return name if _token(name) else ""


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
    if not _token(name):
        problems.append(Problem("header_name", KINDS["header_name"], number))
    return name


def _token(text: str) -> bool:
    rest = text.translate(_TOKEN_EXTRA)
    return bool(text) and text.isascii() and (rest.isalnum() or not rest)


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
        return _status_line(line, problems)
    method, _, rest = line.partition(" ")
    ruri, _, version = rest.rpartition(" ")
    if version == "SIP/2.0" and ruri and " " not in ruri and "<" not in ruri and (method.isalpha() or _token(method)):
        return method, ruri if ruri.isascii() else _utf8(ruri), 0, ""
    return _odd_request_line(line, problems)


def _status_line(line: str, problems: list[Problem]) -> tuple[str, str, int, str]:
    version, _, rest = line.partition(" ")
    if version != "SIP/2.0" and version.upper() != "SIP/2.0":
        problems.append(Problem("version", KINDS["version"]))
    if rest[:1] == " ":
        problems.append(Problem("start_line_spaces", KINDS["start_line_spaces"]))
        rest = rest.lstrip(" ")
    code, _, reason = rest.partition(" ")
    if len(code) == 3 and _digits(code) and "100" <= code < "700":
        return "", "", int(code), reason.strip() if reason.isascii() else _utf8(reason.strip())
    problems.append(Problem("status", KINDS["status"]))
    # 999 keeps it a response; nobody takes it for a real status.
    return "", "", 999, _utf8(rest.strip())


def _odd_request_line(line: str, problems: list[Problem]) -> tuple[str, str, int, str]:
    parts = line.split()
    if len(parts) < 2 or not parts[-1].upper().startswith("SIP/"):
        problems.append(Problem("start_line", KINDS["start_line"]))
        return parts[0] if parts and _token(parts[0]) else "", "", 0, ""
    method, ruri = parts[0], " ".join(parts[1:-1])
    if parts[-1].upper() != "SIP/2.0":
        problems.append(Problem("version", KINDS["version"]))
    if not _token(method):
        problems.append(Problem("method", KINDS["method"]))
    if not ruri or " " in ruri or "<" in ruri:
        problems.append(Problem("request_uri", KINDS["request_uri"]))
    elif line != " ".join(parts):
        problems.append(Problem("start_line_spaces", KINDS["start_line_spaces"]))
    return method, _utf8(ruri), 0, ""


def _cseq(value: str, head: Head, problems: list[Problem]) -> tuple[int, str]:
    digits, _, method = value.partition(" ")
    if digits.isdigit() and len(digits) < 10 and method.isalpha() and digits.isascii():
        return int(digits), method
    if "CSeq" not in head.where:
        return 0, ""
    # A tab, or several blanks, are as good as one.
    parts = value.split(None, 1)
    digits, method = parts if len(parts) == 2 else (value, "")
    method = method.strip()
    if not (_digits(digits) and len(digits) < 20 and method):
        problems.append(Problem("cseq", KINDS["cseq"], head.line("CSeq")))
        return 0, method if _token(method) else ""
    if int(digits) >= _CSEQ_END:
        problems.append(Problem("cseq", KINDS["cseq"], head.line("CSeq")))
    return int(digits), method


def _repeated(message: Message) -> None:
    """Several headers of one name: more Vias to read, or one too many."""
    seen: set[str] = set()
    for position, name in enumerate(message.head.names):
        if name not in seen:
            seen.add(name)
        elif name == "Via":
            message.vias.extend(address.read_vias(message.headers[position].value))
        elif name in SINGLE:
            message.problems.append(Problem("duplicate_header", name, message.headers[position].line))


def _body(message: Message, length: str) -> None:
    """What Content-Length says of the bytes that came: text logs change line ends, there it is not even looked at."""
    data, problems = message.raw.data, message.problems
    body = data[message.body_offset :]
    if "Content-Length" not in message.head.where or message.raw.source == "text":
        message.body = body
        return
    if not _digits(length):
        problems.append(Problem("content_length", KINDS["content_length"], message.head.line("Content-Length")))
        message.body = body
        return
    declared = int(length) if len(length) < 12 else 1 << 40
    if declared != len(body) or message.raw.trailing:
        kind = ""
        if declared > len(body):
            kind = "" if message.raw.truncated else "content_length_large"
        elif (body[declared:] + message.raw.trailing).strip(b"\r\n \t\0"):
            kind = "content_length_small"
        if kind:
            problems.append(Problem(kind, KINDS[kind], message.head.line("Content-Length")))
        body = body[:declared]
    message.body = body


def _check(message: Message) -> None:
    head, problems = message.head, message.problems
    where = head.where
    if not (where.keys() >= _MANDATORY) and not message.raw.truncated:
        problems.extend(Problem("missing_header", name) for name in _IN_ORDER if name not in where)
    if not message.status:
        if "Max-Forwards" not in where and not message.raw.truncated:
            problems.append(Problem("missing_header", "Max-Forwards"))
        if message.cseq_method != message.method and message.cseq_method:
            problems.append(Problem("cseq_method", KINDS["cseq_method"], head.line("CSeq")))
        _check_numbers(head, problems)
    if message.vias:
        if (message.vias[0].params.get("branch") or "")[:7] != "z9hG4bK":
            problems.append(Problem("branch", KINDS["branch"], head.line("Via")))
    elif "Via" in where:
        problems.append(Problem("via", KINDS["via"], head.line("Via")))
    if message.from_ is None and "From" in where:
        problems.append(Problem("address", "From cannot be read", head.line("From")))
    if message.to is None and "To" in where:
        problems.append(Problem("address", "To cannot be read", head.line("To")))


def _check_numbers(head: Head, problems: list[Problem]) -> None:
    if "Max-Forwards" in head.where:
        hops = head.value("Max-Forwards")
        if not (_digits(hops) and len(hops) < 4 and int(hops) < 256):
            problems.append(Problem("number", f"Max-Forwards is {hops[:40]}", head.line("Max-Forwards")))
    if "Expires" in head.where:
        expires = head.value("Expires")
        # RFC 2543 wrote a date there.
        if not (_digits(expires) and len(expires) < 11) and not expires[:3].isalpha():
            problems.append(Problem("number", f"Expires is {expires[:40]}", head.line("Expires")))


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
