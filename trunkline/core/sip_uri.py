"""SIP and tel URIs (RFC 3261 section 19.1, RFC 3966), read leniently enough for what PBXs send and cheaply enough for
the call path.

    sip:user:password@host:port;params?headers        tel:+15550100;params

Not forgiven: control characters and blanks anywhere, a missing host, a port that is no number. Forgiven: `sip://host`
(the vendor's own examples write it), and a second `@` (the last one counts; some PBXs do not escape the one in a user
name).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import unquote

from trunkline.core.record import record


class SipUriError(ValueError):
    """The text is not a URI that we can route; the message says why."""


_BAD = re.compile(r'[\x00-\x20\x7f<>"]')
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_SCHEMES = frozenset(("sip", "sips", "tel"))
_MAX = 2048


@record
class SipUri:
    """A URI in its parts. The password (RFC 3261 section 19.1.1 calls it a bad idea) is dropped when parsing."""

    scheme: str
    """`sip`, `sips` or `tel`."""
    user: str = ""
    """Unescaped; for tel the number, as written. Empty: none."""
    host: str = ""
    """Lower case, without a final dot; IPv6 without brackets, in its canonical form. Empty for tel."""
    port: int | None = None
    params: str = ""
    """What follows the host, without the first `;`: `transport=tcp;lr`. As written."""
    headers: str = ""
    """What follows `?`. As written."""

    def param(self, name: str) -> str | None:
        """The value of a parameter (names compare without case), `""` for one without a value, None when absent."""
        if self.params:
            for item in self.params.split(";"):
                key, _, value = item.partition("=")
                if key.lower() == name:
                    return value
        return None

    @property
    def host_port(self) -> str:
        """`host`, `host:port`, `[v6]:port`: as it stands in a URI."""
        host = bracketed(self.host)
        return host if self.port is None else f"{host}:{self.port}"

    def __str__(self) -> str:
        tail = (f";{self.params}" if self.params else "") + (f"?{self.headers}" if self.headers else "")
        if self.scheme == "tel":
            return f"tel:{self.user}{tail}"
        return f"{self.scheme}:{_escape(self.user) + '@' if self.user else ''}{self.host_port}{tail}"


def bracketed(host: str) -> str:
    """A host as it stands in a URI: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


# RFC 3261 section 25.1: user = 1*( unreserved / escaped / user-unreserved )
_USER_PLAIN = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/-]*")


def _escape(user: str) -> str:
    if _USER_PLAIN.fullmatch(user):
        return user
    return "".join(
        c if _USER_PLAIN.fullmatch(c) else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "replace"))
        for c in user
    )


def parse(text: str) -> SipUri:
    """The URI in its parts. Raises SipUriError."""
    if len(text) > _MAX:
        raise SipUriError(f"URI longer than {_MAX} characters")
    # What nearly every call says: `sip:+<digits>@<host>`. Such a user needs no look, and few hosts are called often.
    before, at, behind = text.rpartition("@")
    scheme, _, user = before.partition(":")
    if at and scheme == "sip" and user.isascii() and user.removeprefix("+").isalnum():
        return SipUri("sip", user, *_behind_user(behind))
    return _parse_any(text)


def _parse_any(text: str) -> SipUri:
    if _BAD.search(text):
        raise SipUriError("URI with a blank, control character, quote or angle bracket")
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _SCHEMES:
        raise SipUriError("URI that is neither sip:, sips: nor tel:")
    if scheme == "tel":
        number, _, params = rest.partition(";")
        if not number:
            raise SipUriError("tel URI without a number")
        return SipUri("tel", number, "", None, params)
    rest = rest.removeprefix("//")
    userinfo, at, rest = rest.rpartition("@")
    if not at:
        user = ""
    else:
        # A user may hold `;` and `?` (RFC 3261 section 25.1), so the `@` is looked for first.
        user = userinfo.partition(":")[0]
        if "%" in user:
            user = unquote(user, errors="replace")
    return SipUri(scheme, user, *_behind_user(rest))


@lru_cache(maxsize=4096)
def _behind_user(text: str) -> tuple[str, int | None, str, str]:
    """Host, port, parameters and headers: all that stands behind the `@`."""
    if _BAD.search(text):
        raise SipUriError("URI with a blank, control character, quote or angle bracket")
    rest, _, headers = text.partition("?")
    host_port, _, params = rest.partition(";")
    host, port = _host_port(host_port)
    return host, port, params, headers


def _host_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise SipUriError("URI with a broken IPv6 reference")
        try:
            host = str(IPv6Address(inner))
        except ValueError:
            raise SipUriError("URI with a broken IPv6 address") from None
        port = rest[1:]
        colon = rest[:1]
    else:
        host, colon, port = text.partition(":")
        if not _HOST.fullmatch(host) or ".." in host:
            raise SipUriError("URI without a usable host" if host else "URI without a host")
        host = host.lower().removesuffix(".")
    if not colon:
        return host, None
    if not (port.isascii() and port.isdigit()) or len(port) > 5 or not 0 < int(port) < 65536:
        raise SipUriError("URI with a port that is not 1 to 65535")
    return host, int(port)
