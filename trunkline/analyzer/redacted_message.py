"""A SIP message rewritten line by line for `redact`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trunkline.analyzer.redact import Redactor

COMPACT = {
    b"i": "call-id",
    b"f": "from",
    b"t": "to",
    b"m": "contact",
    b"v": "via",
    b"l": "content-length",
    b"c": "content-type",
    b"e": "content-encoding",
    b"s": "subject",
    b"k": "supported",
    b"o": "event",
    b"u": "allow-events",
    b"r": "refer-to",
    b"b": "referred-by",
    b"x": "session-expires",
    b"a": "accept-contact",
    b"d": "request-disposition",
    b"j": "reject-contact",
    b"y": "identity",
}
AS_IS = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "allow",
        "allow-events",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "cseq",
        "date",
        "encryption",
        "event",
        "expires",
        "max-forwards",
        "mime-version",
        "min-expires",
        "min-se",
        "privacy",
        "proxy-require",
        "rack",
        "reason",
        "require",
        "retry-after",
        "rseq",
        "server",
        "session-expires",
        "sip-etag",
        "sip-if-match",
        "subscription-state",
        "supported",
        "timestamp",
        "unsupported",
        "user-agent",
        "x-twilio-error",
    ]
)
"""Say nothing about persons or places, and rules read them."""
ADDRESSES = frozenset(
    [
        "from",
        "to",
        "contact",
        "via",
        "route",
        "record-route",
        "p-asserted-identity",
        "p-preferred-identity",
        "remote-party-id",
        "diversion",
        "history-info",
        "referred-by",
        "refer-to",
        "reply-to",
        "path",
        "service-route",
        "p-called-party-id",
        "p-associated-uri",
        "warning",
        "replaces",
        "target-dialog",
        "in-reply-to",
        "also",
        "requested-by",
        "rpid-privacy",
        "p-charging-vector",
        "max-breadth",
        "security-client",
        "security-server",
        "security-verify",
    ]
)
DIGEST = frozenset(
    ["authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info"]
)
SECRETS = ("response", "nonce", "cnonce", "opaque", "nextnonce", "rspauth")

QUOTES = '\\" '
_QUOTED = re.compile(r'"((?:[^"\\]|\\.){0,300})"')
_USER = re.compile(r"(?i)\b(sips?:)([^@\s<>\";:,]{1,200})(?=[^@\s<>]{0,200}@)")
_DISPLAY = re.compile(r"(^|,)(\s*)([^<>\",;:@=]{2,100})<")
_PARAMETER = re.compile(r'(?<![A-Za-z-])([A-Za-z-]{1,40})=(?:"([^"]*)"|([^\s,]*))')
_KEY = re.compile(r"(inline:)([A-Za-z0-9+/=]+)")
_BLANKED_ATTRIBUTES = (
    "ice-ufrag",
    "ice-pwd",
    "fingerprint",
    "key-mgmt",
    "msid",
    "identity",
    "setup-key",
    "zrtp-hash",
    "label",
)


def rewritten(data: bytes, redactor: Redactor) -> bytes:
    """The message with stand-ins. As many lines as before."""
    head, gap, body = _split(data)
    newline = "\r\n" if b"\r\n" in head else "\n"
    lines = head.decode("utf-8", "surrogateescape").split(newline)
    out, kind, content_type = [redactor.text(_users(lines[0], redactor))], "", ""
    for line in lines[1:]:
        if line[:1] not in {" ", "\t"}:
            name = line.partition(":")[0].strip().lower()
            kind = COMPACT.get(name.encode("utf-8", "surrogateescape"), name)
        if kind == "content-type":
            content_type += line.partition(":")[2].lower()
        out.append(_header(line, kind, redactor))
    new_body = _body(body, content_type, redactor)
    out = [_with_length(line, len(new_body) - len(body)) for line in out]
    return newline.join(out).encode("utf-8", "surrogateescape") + gap + new_body


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    for gap in (b"\r\n\r\n", b"\n\n"):
        head, found, body = data.partition(gap)
        if found:
            return head, gap, body
    return data, b"", b""


def _header(line: str, kind: str, redactor: Redactor) -> str:
    folded = line[:1] in {" ", "\t"}
    name, colon, value = ("", "", line) if folded else line.partition(":")
    if kind in AS_IS:
        return line
    if kind == "call-id":
        space = value[: len(value) - len(value.lstrip())]
        return f"{name}{colon}{space}{redactor.call_id(value.strip())}"
    if kind in DIGEST:
        return f"{name}{colon}{_digest(value, redactor)}"
    if kind in ADDRESSES:
        return f"{name}{colon}{_addresses(value, redactor)}"
    if not colon and not folded:
        return "redacted" if line.strip() else line
    return f"{name}{colon} redacted"


def _addresses(value: str, redactor: Redactor) -> str:
    def quoted(found: re.Match[str]) -> str:
        return f'"{_display(found.group(1), redactor)}"'

    def bare(found: re.Match[str]) -> str:
        words = found.group(3)
        return f"{found.group(1)}{found.group(2)}{_display(words.rstrip(), redactor)}{' ' if words[-1] == ' ' else ''}<"

    first, bracket, rest = value.partition("<")
    if bracket and '"' in first and not _QUOTED.fullmatch(first.strip()):  # quotes that do not pair
        first = f' "{_display(first.strip(QUOTES), redactor)}" '
    else:
        first = _QUOTED.sub(quoted, first)
    return redactor.text(_users(_DISPLAY.sub(bare, first + bracket + _QUOTED.sub(quoted, rest)), redactor))


def _users(text: str, redactor: Redactor) -> str:
    return _USER.sub(lambda found: found.group(1) + redactor.user(found.group(2)), text)


def _display(words: str, redactor: Redactor) -> str:
    if not words.strip() or " " not in words:
        return redactor.user(words.strip()) if words.strip() else words
    return redactor.phrase(words)


def _digest(value: str, redactor: Redactor) -> str:
    def parameter(found: re.Match[str]) -> str:
        name, quoted, bare = found.groups()
        content = quoted if quoted is not None else bare
        if name.lower() in SECRETS:
            content = redactor.names.secret(content) if content else content
        elif name.lower() == "username":
            content = redactor.user(content)
        elif name.lower() not in {"algorithm", "qop", "nc", "stale"}:
            content = redactor.text(content)
        return f'{name}="{content}"' if quoted is not None else f"{name}={content}"

    return _PARAMETER.sub(parameter, value)


def _with_length(line: str, more: int) -> str:
    name, colon, value = line.partition(":")
    if not more or name.strip().lower() not in {"content-length", "l"} or not value.strip().isdigit():
        return line
    return f"{name}{colon} {max(0, int(value) + more)}"


def _body(body: bytes, content_type: str, redactor: Redactor) -> bytes:
    if not body:
        return body
    newline = "\r\n" if b"\r\n" in body else "\n"
    lines = body.decode("utf-8", "surrogateescape").split(newline)
    if "sipfrag" in content_type:
        new = [redactor.text(lines[0]), *("redacted" if line.strip() else line for line in lines[1:])]
    elif "sdp" in content_type or "multipart" in content_type or body.startswith(b"v=0"):
        new = [_sdp(line, redactor) for line in lines]
    else:
        new = ["x" * len(line) for line in lines]
    return newline.join(new).encode("utf-8", "surrogateescape")


def _sdp(line: str, redactor: Redactor) -> str:
    if line[1:2] != "=":
        return line if line.startswith(("--", "Content-")) or not line.strip() else "x" * len(line)
    kind, value = line[0], line[2:]
    if kind in "vtmbrz":
        return line
    if kind == "o":
        user, space, rest = value.partition(" ")
        return f"o={redactor.user(user)}{space}{_location(rest, redactor)}"
    if kind == "c":
        return f"c={_location(value, redactor)}"
    if kind == "a":
        return f"a={_attribute(value, redactor)}"
    return f"{kind}=-" if kind == "s" else f"{kind}=redacted"


def _location(value: str, redactor: Redactor) -> str:
    """`IN IP4 192.0.2.1/127`, numbers ahead of it; anything else is not understood and goes."""
    words = [word for word in value.split(" ") if not word.isdigit()]
    if len(words) != 3 or words[0] != "IN" or words[1] not in {"IP4", "IP6"}:
        return "redacted"
    return redactor.text(value)


def _attribute(value: str, redactor: Redactor) -> str:
    name = value.partition(":")[0].strip().lower()
    if name == "crypto":
        return _KEY.sub(lambda found: found.group(1) + redactor.names.secret(found.group(2)), value)
    if name in _BLANKED_ATTRIBUTES:
        return f"{name}:redacted"
    if name == "ssrc":
        number, space, rest = value.partition(" ")
        return f"{number}{space}{rest.partition(':')[0]}:redacted" if ":" in rest else f"{number}{space}{rest}"
    return redactor.text(value)


def rewritten_line(line: str, redactor: Redactor) -> str:
    """A line that a finding quotes: a header, a line of SDP, or something else."""
    name, colon, _ = line.partition(":")
    kind = COMPACT.get(name.strip().lower().encode("utf-8", "surrogateescape"), name.strip().lower())
    if colon and kind in AS_IS | ADDRESSES | DIGEST | {"call-id"}:
        return _header(line, kind, redactor)
    if line[1:2] == "=" and line[:1].isalpha():
        return _sdp(line, redactor)
    if colon and name.strip().replace("-", "").isalnum() and name[:1].isupper() and " " not in name.strip():
        return f"{name}: redacted"
    return redactor.text(line)
