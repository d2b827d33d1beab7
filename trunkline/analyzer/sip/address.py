"""URIs, name-addr and Via values, read leniently: what stands there is given back, never an error (RFC 3261 sections 19
and 20). The same few values stand in every message of a dialog, so the readers keep what they have read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from trunkline.analyzer.model.message import NameAddr, Via

_LONGEST_KEPT = 512
"""Longer values are read afresh each time: hostile ones would fill the memory."""
_MOST_VALUES = 64
_MOST_PARAMS = 64

T = TypeVar("T")
Params = dict[str, str | None]


def split_values(value: str, most: int = _MOST_VALUES) -> list[str]:
    """Header value at its commas outside quotes and `<>` (RFC 3261 section 7.3.1); at most `most` values."""
    if "," not in value:
        return [value]
    parts = []
    start = 0
    for position in separators(value, ","):
        parts.append(value[start:position].strip())
        start = position + 1
        if len(parts) >= most:
            break
    parts.append(value[start:].strip())
    return [part for part in parts if part][:most]


def separators(value: str, wanted: str) -> list[int]:
    """Positions of one character outside quotes and `<>`. A quote or bracket that never closes protects nothing."""
    found: list[int] = []
    position, size = 0, len(value)
    while position < size:
        char = value[position]
        if char == wanted:
            found.append(position)
        elif char == '"':
            position = max(closing_quote(value, position), position)
        elif char == "<":
            position = max(value.find(">", position), position)
        position += 1
    return found


def closing_quote(value: str, opening: int) -> int:
    """Position of the quote that closes the one at `opening`, -1 if none does. `\\x` is an escaped character."""
    position = value.find('"', opening + 1)
    while position >= 0:
        slashes = 0
        while value[position - 1 - slashes] == "\\":
            slashes += 1
        if slashes % 2 == 0:
            return position
        position = value.find('"', position + 1)
    return -1


def params_of(text: str) -> Params:
    """`;a=b;c` to {"a": "b", "c": None}: names in lower case, values without quotes, the first of a name wins."""
    params: Params = {}
    if not text:
        return params
    if '"' not in text and text.count(";") < 8:
        # The way of nearly all: nothing quoted, a few parameters.
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            name = name.strip().lower()
            if name and name not in params:
                params[name] = value.strip() if equals else None
        return params
    parts = text.split(";") if '"' not in text else _split_quoted(text)
    for part in parts[:_MOST_PARAMS]:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if name and name not in params:
            params[name] = unquoted(value.strip()) if equals else None
    return params


def _split_quoted(text: str) -> list[str]:
    parts = []
    start = 0
    for position in separators(text, ";"):
        parts.append(text[start:position])
        start = position + 1
    parts.append(text[start:])
    return parts


def unquoted(value: str) -> str:
    """A quoted-string's text without quotes and escapes; anything else as it is."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    inner = value[1:-1]
    if "\\" not in inner:
        return inner
    out = []
    position = 0
    while position < len(inner):
        if inner[position] == "\\" and position + 1 < len(inner):
            position += 1
        out.append(inner[position])
        position += 1
    return "".join(out)


def host_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[v6]:port` to host without brackets and port (None: none, or not a number)."""
    text = text.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.strip().removeprefix(":")
    elif text.count(":") > 1:
        # An IPv6 address without its brackets: not legal, and there is no telling a port from it.
        return text, None
    else:
        host, _, port = text.partition(":")
    port = port.strip()
    return host.strip(), int(port) if port.isascii() and port.isdigit() and len(port) < 9 else None


def _kept(read: Callable[[str], T]) -> Callable[[str], T]:
    cached = lru_cache(maxsize=8192)(read)
    _caches.append(cached.cache_clear)

    def reader(value: str) -> T:
        return cached(value) if len(value) <= _LONGEST_KEPT else read(value)

    return reader


_caches: list[Callable[[], None]] = []


def forget() -> None:
    """Empties what the readers keep: an analysis leaves nothing of its input behind."""
    for clear in _caches:
        clear()


def _read_uri(uri: str) -> tuple[str, str, str, int | None, Params]:
    scheme, colon, rest = uri.partition(":")
    scheme = scheme.strip().lower()
    if scheme not in _USUAL and (not colon or not _is_scheme(scheme)):
        return "", "", uri.partition(";")[0].strip(), None, params_of(uri.partition(";")[2])
    if scheme == "tel":
        number, _, params = rest.partition(";")
        return scheme, number.strip(), "", None, params_of(params)
    # The user part may hold `;`, `?` and `/` (section 25.1), so the @ is looked for before those.
    user, at, host = rest.partition("@")
    if not at:
        user, host = "", rest
    host = host.partition("?")[0]
    host, _, params = host.partition(";")
    host_text, port = host_port(host)
    if "%" in user:
        from urllib.parse import unquote

        user = unquote(user, errors="replace")
    return scheme, user.partition(":")[0].strip(), host_text, port, params_of(params)


_USUAL = ("sip", "sips", "tel")


def _is_scheme(text: str) -> bool:
    return text.isascii() and text.replace("+", "").replace("-", "").replace(".", "").isalnum()


def _read_name_addr(value: str) -> NameAddr | None:
    value = value.strip()
    display = ""
    if value.startswith('"'):
        end = closing_quote(value, 0)
        if end < 0:
            return None
        display, value = unquoted(value[: end + 1]), value[end + 1 :].lstrip()
    opening = value.find("<")
    if opening >= 0:
        closing = value.find(">", opening)
        if closing < 0:
            return None
        display = display or value[:opening].strip()
        uri, params = value[opening + 1 : closing].strip(), value[closing + 1 :].strip()
    else:
        # Without brackets all parameters belong to the header and not to the URI (section 20.10).
        uri, _, params = value.partition(";")
        uri = uri.strip()
    if not uri:
        return None
    scheme, user, host, port, uri_params = read_uri(uri)
    return NameAddr(display, uri, scheme, user, host, port, uri_params, params_of(params))


def read_vias(value: str) -> tuple[Via, ...]:
    """All values of one Via header; those that cannot be read are left out."""
    if "," not in value:
        only = _read_via(value)
        return () if only is None else (only,)
    return tuple(via for via in map(_read_via, split_values(value)) if via is not None)


def _read_via(value: str) -> Via | None:
    sent, _, params = value.partition(";")
    by = _sent_by(sent)
    return None if by is None else Via(*by, params_of(params))


def _read_sent_by(sent: str) -> tuple[str, str, int | None] | None:
    """Transport, host and port: the same few in all messages."""
    # `SIP / 2.0 / UDP host : port`: blanks are legal around both slashes and the colon.
    protocol, _, rest = sent.partition("/")
    _version, _, rest = rest.partition("/")
    transport, _, where = rest.strip().replace("\t", " ").partition(" ")
    if protocol.strip().upper() != "SIP" or not where.strip():
        return None
    host, port = host_port(where)
    return transport.upper(), host, port


_sent_by = _kept(_read_sent_by)
read_uri = _kept(_read_uri)
"""`sip:user:secret@host:port;params?headers` to scheme, user, host, port, parameters."""
read_name_addr = _kept(_read_name_addr)
"""One From, To, Contact … value; None where it cannot be read."""
