"""Digest authentication: what the headers say, and, with the password, who is wrong (RFC 7616, RFC 8760, RFC 2069).

The password goes in and is compared; it is in no result, no text and no exception.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from trunkline.analyzer.model.message import Header, Message
from trunkline.analyzer.sip.address import read_uri, separators, unquoted

_CHALLENGES = ("Proxy-Authenticate", "WWW-Authenticate")
_CREDENTIALS = ("Proxy-Authorization", "Authorization")
_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_MOST_PARAMS = 40

Part = Literal["", "password", "user", "realm", "uri", "method", "unknown"]


@dataclass(frozen=True, slots=True)
class DigestHeader:
    """One challenge or one set of credentials."""

    header: Header
    scheme: str
    """In lower case; `digest` is the only one that SIP has."""
    params: dict[str, str]
    """Names in lower case, values without quotes."""

    def get(self, name: str) -> str:
        return self.params.get(name, "")

    @property
    def algorithm(self) -> str:
        """As RFC 7616 writes it, `MD5` where none is named."""
        return self.get("algorithm").upper() or "MD5"

    @property
    def supported(self) -> bool:
        return self.algorithm.removesuffix("-SESS") in _HASHES


@dataclass(frozen=True, slots=True)
class Check:
    """What recomputing shows."""

    matches: bool
    """The response is right for this user, password, realm and URI: the account is the provider's matter."""
    wrong: Part
    """What the client had wrong; `unknown`: none of the likely mistakes explains it, so most likely the password."""
    how: str
    """In words, without any secret."""


def challenges(message: Message) -> list[DigestHeader]:
    return _digest_headers(message, _CHALLENGES)


def credentials(message: Message) -> list[DigestHeader]:
    return _digest_headers(message, _CREDENTIALS)


def _digest_headers(message: Message, names: tuple[str, ...]) -> list[DigestHeader]:
    found = []
    for name in names:
        for header in message.all(name):
            scheme, _, rest = header.value.partition(" ")
            found.append(DigestHeader(header, scheme.strip().lower(), parameters(rest)))
    return found


def parameters(text: str) -> dict[str, str]:
    """`realm="a", nonce=b` to names (in lower case) and values without quotes; the first of a name wins."""
    found: dict[str, str] = {}
    start = 0
    for position in [*separators(text, ",")[:_MOST_PARAMS], len(text)]:
        name, equals, value = text[start:position].partition("=")
        name = name.strip().lower()
        if name and equals and name not in found:
            found[name] = unquoted(value.strip())
        start = position + 1
    return found


def check(
    request: Message, sent: DigestHeader, passwords: dict[str, str], challenge: DigestHeader | None
) -> Check | None:
    """Compares the response with what the right password gives; None where that cannot be said: no password for it, an
    algorithm that nobody here knows, fields that are missing, auth-int with a body that was cut.
    """
    if sent.scheme != "digest" or not sent.supported or not sent.get("response") or not sent.get("nonce"):
        return None
    if sent.get("qop") == "auth-int" and request.raw.truncated:
        return None
    user = sent.get("username")
    password = passwords.get(user)
    if password is None:
        return _other_user(request, sent, passwords)
    if _right(request, sent, user, password):
        return _right_but(request, sent, challenge)
    for wrong, how, made in _mistakes(request, sent, user, password, challenge):
        if made:
            return Check(False, wrong, how)
    return Check(False, "unknown", "neither the password nor a likely mistake with it gives this response")


def _right_but(request: Message, sent: DigestHeader, challenge: DigestHeader | None) -> Check:
    """The response is right for what the client wrote; what it wrote may still not be what was asked for."""
    if challenge is not None and challenge.get("realm") != sent.get("realm"):
        return Check(False, "realm", "the response is right for another realm than the challenge has")
    uri, ruri = read_uri(sent.get("uri")), read_uri(request.ruri)
    if uri[1:3] != ruri[1:3] and ruri[2]:
        return Check(True, "uri", "the response is right, for another URI than the Request-URI")
    return Check(True, "", "user, password, realm and URI give exactly this response")


def _other_user(request: Message, sent: DigestHeader, passwords: dict[str, str]) -> Check | None:
    user = sent.get("username")
    for known, password in passwords.items():
        if _right(request, sent, user, password):
            return Check(False, "user", "the password is right, the user name is not one of those that were given")
        if _right(request, sent, known, password):
            return Check(False, "user", "the response was made with another user name than the header says")
    return None


def _mistakes(
    request: Message, sent: DigestHeader, user: str, password: str, challenge: DigestHeader | None
) -> Iterator[tuple[Part, str, bool]]:
    """Likely mistakes, and whether each gives the response that was sent."""
    for how, change in _PASSWORD_MISTAKES:
        variant = change(password)
        if variant != password:
            yield "password", f"the PBX has the password {how}", _right(request, sent, user, variant)
    realm = sent.get("realm")
    digest = _hash(sent.algorithm)(f"{user}:{realm}:{password}")
    yield "password", "the PBX takes a hash (HA1) for the password", _right(request, sent, user, digest)
    yield "password", "the PBX has no password", _right(request, sent, user, "")
    yield "password", "the PBX has the user name for the password", _right(request, sent, user, user)
    from_ = request.from_
    realms = {challenge.get("realm") if challenge is not None else "", read_uri(request.ruri)[2]}
    users = set()
    if from_ is not None:
        realms.add(from_.host)
        users |= {from_.user, f"{user}@{from_.host}", user.partition("@")[0]}
    for other in sorted(realms - {realm, ""}):
        yield (
            "realm",
            f"the response was made with the realm {other}",
            _right(request, sent, user, password, realm=other),
        )
    for other in sorted(users - {user, ""}):
        yield (
            "user",
            "the response was made with another user name than the header says",
            _right(request, sent, other, password),
        )
    yield from _other_text(request, sent, user, password)


def _other_text(request: Message, sent: DigestHeader, user: str, password: str) -> Iterator[tuple[Part, str, bool]]:
    uri = sent.get("uri")
    uris = [request.ruri, request.ruri.partition(";")[0], uri.partition(";")[0]]
    if request.to is not None:
        uris.append(request.to.uri)
    for other in dict.fromkeys(text for text in uris if text and text != uri):
        how = "the response was made with another URI than its uri= says"
        yield "uri", how, _right(request, sent, user, password, uri=other)
    for method in ("INVITE", "REGISTER", "ACK"):
        if method != request.method:
            how = f"the response was made for {method}"
            yield "method", how, _right(request, sent, user, password, method=method)


def _cut_at(mark: str) -> Callable[[str], str]:
    return lambda password: password.partition(mark)[0].rstrip(" ")


_PASSWORD_MISTAKES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("with a blank behind it", lambda password: password + " "),
    ("with a blank ahead of it", lambda password: " " + password),
    ("with a line end behind it", lambda password: password + "\n"),
    ("with a line end behind it", lambda password: password + "\r\n"),
    ("without the white space that belongs to it", str.strip),
    ("in quotes", lambda password: f'"{password}"'),
    ("cut at its ;, which begins a comment in its configuration file", _cut_at(";")),
    ("cut at its #", _cut_at("#")),
    ("in lower case", str.lower),
    ("in upper case", str.upper),
    ("with upper and lower case exchanged", str.swapcase),
    ("without its first character", lambda password: password[1:]),
    ("without its last character", lambda password: password[:-1]),
)


def _right(  # the fields of RFC 7616 section 3.4.1 are as many
    request: Message,
    sent: DigestHeader,
    user: str,
    password: str,
    *,
    realm: str | None = None,
    uri: str | None = None,
    method: str | None = None,
) -> bool:
    wanted = response_of(
        sent,
        user,
        password,
        method or request.method,
        body=request.body,
        realm=realm,
        uri=uri,
    )
    return wanted == sent.get("response").lower()


def response_of(  # as above
    sent: DigestHeader,
    user: str,
    password: str,
    method: str,
    *,
    body: bytes = b"",
    realm: str | None = None,
    uri: str | None = None,
) -> str:
    """The response that these give (RFC 7616 section 3.4.1; without qop as RFC 2069)."""
    hashed = _hash(sent.algorithm)
    realm = sent.get("realm") if realm is None else realm
    uri = sent.get("uri") if uri is None else uri
    nonce, cnonce, qop = sent.get("nonce"), sent.get("cnonce"), sent.get("qop").lower()
    ha1 = hashed(f"{user}:{realm}:{password}")
    if sent.algorithm.endswith("-SESS"):
        ha1 = hashed(f"{ha1}:{nonce}:{cnonce}")
    a2 = f"{method}:{uri}"
    if qop == "auth-int":
        a2 += ":" + hashlib.new(_HASHES[sent.algorithm.removesuffix("-SESS")], body, usedforsecurity=False).hexdigest()
    ha2 = hashed(a2)
    if qop:
        return hashed(f"{ha1}:{nonce}:{sent.get('nc')}:{cnonce}:{qop}:{ha2}")
    return hashed(f"{ha1}:{nonce}:{ha2}")


def _hash(algorithm: str) -> Callable[[str], str]:
    name = _HASHES[algorithm.removesuffix("-SESS")]

    def hashed(text: str) -> str:
        return hashlib.new(name, text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()

    return hashed
