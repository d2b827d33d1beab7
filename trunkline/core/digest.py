"""Digest authentication of SIP requests: challenges made and answers checked (RFC 7616, RFC 2617, RFC 8760; RFC 3261
section 22).

Nothing is kept between the challenge and the answer. A nonce is

    8 hex    Unix seconds
    16 hex   random
    1        algorithm asked for, `m` or `s`
    32 hex   keyed BLAKE2s over these, 128 bits (RFC 7693 section 2.9)

so that any worker with the same secret knows a nonce of ours and its age. It is bound to no address, because a PBX
may come from another one on its next request, and one nonce may be given to several senders. Against replay, each
answer is good for one use; the caller keeps count by `use_key`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache, partial
from hashlib import blake2s, sha256
from hmac import compare_digest
from operator import itemgetter

from trunkline.core import sip_uri
from trunkline.core.record import record

try:
    # Python's own MD5. The one of hashlib asks OpenSSL's providers first, which takes longer than the hash.
    from _md5 import md5  # type: ignore[import-not-found, unused-ignore]
except ImportError:  # a Python that was built without it
    md5 = partial(hashlib.md5, usedforsecurity=False)

MD5, SHA256 = "MD5", "SHA-256"
_LETTER = {MD5: "m", SHA256: "s"}
_ALGORITHM = {"m": MD5, "s": SHA256}
_CLOCK_SKEW = 5
_MAX = 4096


class DigestError(ValueError):
    """The header cannot be read; the message says why and is safe to show."""


@record
class Authorization:
    """What Proxy-Authorization or Authorization says, unescaped. Missing optional parts are empty."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = MD5
    qop: str = ""
    nc: str = ""
    cnonce: str = ""

    @property
    def use_key(self) -> str:
        """Names this answer: the response is a hash over user, password, nonce, nonce count, cnonce, method and URI, so
        nobody can make another answer of it. A sender that counts up (RFC 7616 section 3.4) never repeats one.
        """
        return self.response[:32].lower()


class Outcome(Enum):
    OK = "ok"
    WRONG_RESPONSE = "the password is wrong"
    UNKNOWN_USER = "there is no such user name on this trunk"
    STALE = "the nonce is too old"
    FOREIGN_NONCE = "the nonce is not ours"
    WRONG_REALM = "the realm is not the one of the challenge"
    WRONG_ALGORITHM = "the algorithm is not the one of the challenge"
    WRONG_URI = "the digest was made for another number than the Request-URI's"


_OK = Outcome.OK


def make_nonce(secret: bytes, now: float, random_bits: int, algorithm: str = MD5) -> str:
    """A nonce of 57 characters. `random_bits`: 64 bits of the caller's dice, which must differ between workers."""
    head = f"{int(now) & 0xFFFFFFFF:08x}{random_bits & 0xFFFFFFFFFFFFFFFF:016x}{_LETTER[algorithm]}"
    return head + _mac(secret, head)


def _mac(secret: bytes, head: str) -> str:
    return blake2s(head.encode("ascii"), key=secret[:32], digest_size=16).hexdigest()


def challenge_value(realm: str, nonce: str, algorithm: str = MD5, *, stale: bool = False) -> str:
    """The value of Proxy-Authenticate or WWW-Authenticate. MD5 goes unnamed, as the vendor does: old PBXs expect
    that.
    """
    named = "" if algorithm == MD5 else f",algorithm={algorithm}"
    return f'Digest realm="{realm}",qop="auth",nonce="{nonce}"{named}{",stale=true" if stale else ""}'


_PARAM = re.compile(
    r'[\s,]*+([A-Za-z0-9_*-]++)\s*+=\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s,"]++))\s*+(?:,|\Z)', re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HEX = frozenset("0123456789abcdefABCDEF")
_REQUIRED = ("username", "realm", "nonce", "uri", "response")


def parse_authorization(text: str) -> Authorization:
    """The parts of a Digest header value. Raises DigestError."""
    if len(text) > _MAX:
        raise DigestError(f"authorization longer than {_MAX} characters")
    # One sender's headers differ in what stands in quotes and hardly elsewhere: what is around the quotes is read once.
    parts = text.split('"')
    around = _around_quotes(tuple(parts[::2])) if "\\" not in text and len(parts) % 2 else None
    if around is not None:
        places, algorithm, qop, nc = around
        parts.append("")
        username, realm, nonce, uri, response, cnonce = places(parts)
        if realm and nonce and uri and response and (cnonce or not qop):
            return Authorization(username, realm, nonce, uri, response.lower(), algorithm, qop, nc, cnonce)
    return _authorization({name: token if quoted is None else quoted for name, quoted, token in _items(text)})


_Places = Callable[[list[str]], tuple[str, ...]]


@lru_cache(maxsize=1024)
def _around_quotes(parts: tuple[str, ...]) -> tuple[_Places, str, str, str] | None:
    """What the parts outside of the quotes say: where username, realm, nonce, uri, response and cnonce stand among all
    parts, and algorithm, qop and nc. None for a header whose reading depends on more than that.
    """
    items = _items('""'.join(parts))
    quoted = [name for name, value, _ in items if value is not None]
    tokens = {name: token for name, value, token in items if value is None}
    if not set(_REQUIRED) <= set(quoted) or "cnonce" in tokens or {"algorithm", "qop", "nc"} & set(quoted):
        return None
    read = _authorization(dict.fromkeys(quoted, "x") | tokens)
    wanted = (*_REQUIRED, "cnonce") if read.qop else (*_REQUIRED, "")
    places = [2 * quoted.index(name) + 1 if name in quoted else -1 for name in wanted]
    return itemgetter(*places), read.algorithm, read.qop, read.nc


def _authorization(found: dict[str, str]) -> Authorization:
    for name in _REQUIRED:
        if not found.get(name) and (name != "username" or "username" not in found):
            raise DigestError(f"authorization without {name}")
    algorithm = found.get("algorithm", MD5).upper()
    qop = found.get("qop", "").lower()
    nc, cnonce = found.get("nc", ""), found.get("cnonce", "")
    if qop and qop != "auth":
        raise DigestError("authorization with a qop that was not offered")
    if qop and not (cnonce and nc and len(nc) <= 8 and _HEX.issuperset(nc)):
        raise DigestError("authorization with qop and without nc or cnonce")
    if not qop:
        nc = cnonce = ""
    return Authorization(
        found["username"],
        found["realm"],
        found["nonce"],
        found["uri"],
        found["response"].lower(),
        algorithm,
        qop,
        nc,
        cnonce,
    )


def _items(text: str) -> list[tuple[str, str | None, str]]:
    """Name, value in quotes, unescaped (None: it has none), and value without quotes of each parameter."""
    if text[:7].lower() not in ("digest ", "digest\t"):
        raise DigestError("authorization scheme is not Digest")
    found: dict[str, tuple[str, str | None, str]] = {}
    at, end = 7, len(text.rstrip(" \t\r\n,"))
    while at < end:
        matched = _PARAM.match(text, at)
        if matched is None:
            raise DigestError("authorization whose parameters cannot be read")
        name, quoted, token = matched.groups()
        name = name.lower()
        if name in found:
            raise DigestError("authorization with a parameter given twice")
        found[name] = name, None if quoted is None else _ESCAPE.sub(r"\1", quoted), token
        at = matched.end()
    return list(found.values())


def is_ours(nonce: str, secret: bytes) -> bool:
    """Whether a worker with this secret made the nonce, however long ago."""
    return len(nonce) == 57 and nonce.isascii() and compare_digest(_mac(secret, nonce[:25]), nonce[25:])


def nonce_state(nonce: str, secret: bytes, now: float, lifetime: int) -> tuple[Outcome, str]:
    """OK, STALE or FOREIGN_NONCE, and the algorithm that the challenge asked for (MD5 for a foreign nonce)."""
    made, algorithm = _made(nonce, secret)
    if made < 0:
        return Outcome.FOREIGN_NONCE, MD5
    age = int(now) - made
    return (_OK if -_CLOCK_SKEW <= age <= lifetime else Outcome.STALE), algorithm


@lru_cache(maxsize=256)
def _made(nonce: str, secret: bytes) -> tuple[int, str]:
    """When the nonce was made and which algorithm it asked for; -1 for one that is not ours. Remembered, since the edge
    gives one nonce to all who ask within a second.
    """
    return (int(nonce[:8], 16), _ALGORITHM[nonce[24]]) if is_ours(nonce, secret) else (-1, MD5)


def check_form(auth: Authorization, ruri: str, user: str, realm: str, asked_algorithm: str) -> Outcome:
    """All that can be judged without a password: realm, algorithm, digest URI. `user`: that of the Request-URI `ruri`,
    unescaped.
    """
    if auth.realm != realm:
        return Outcome.WRONG_REALM
    algorithm = auth.algorithm
    # An answer by SHA-256 to a challenge by MD5 is stronger than asked for. Not the other way round.
    if algorithm not in (asked_algorithm, SHA256):
        return Outcome.WRONG_ALGORITHM
    if algorithm == SHA256 and not auth.qop:
        # RFC 7616 section 3.4: qop is optional for RFC 2069 clients alone, which speak MD5.
        return Outcome.WRONG_ALGORITHM
    # Nearly every sender signs the Request-URI as it stands there.
    return _OK if auth.uri == ruri or same_number(auth.uri, user) else Outcome.WRONG_URI


def same_number(digest_uri: str, user: str) -> bool:
    """Whether the digest was made for the number that the Request-URI asks for (RFC 7616 section 3.4.6).

    The user parts must agree, a leading plus aside (proxies in front of a PBX add it): the number is what costs money.
    Host, port and parameters may differ, because SBCs rewrite them to route by next hop and because a copied
    answer is worth nothing (nonce counts are good once). A digest URI without a user part passes: SIPp and some
    adapters sign the host alone.
    """
    signed = signed_number(digest_uri)
    return signed is not None and (not signed or signed == _number(user))


@lru_cache(maxsize=1024)
def signed_number(digest_uri: str) -> str | None:
    """The number that the digest was made for, without its plus sign; empty: none; None: the text is no URI."""
    try:
        return _number(sip_uri.parse(digest_uri).user)
    except sip_uri.SipUriError:
        return None


def _number(user: str) -> str:
    return user.partition(";")[0].lstrip("+")


NO_HA1 = "0" * 32
"""Stands in for the HA1 of a user that does not exist, so that the answer takes as long as for one that does."""


def response_matches(auth: Authorization, method: str, ha1_md5: str, ha1_sha256: str) -> bool:
    """Whether the response was made with this password; compared in constant time."""
    algorithm, response = auth.algorithm, auth.response
    if algorithm == MD5:
        expected = _expected(auth, method, ha1_md5)
    elif algorithm == SHA256:
        expected = _expected(auth, method, ha1_sha256, sha256=True)
    else:
        return False
    return response.isascii() and compare_digest(expected, response)


def _expected(auth: Authorization, method: str, ha1: str, *, sha256: bool = False) -> str:
    """RFC 7616 section 3.4.1; without qop RFC 2617 section 3.2.2.1."""
    a2 = f"{method}:{auth.uri}"
    of_use = f"{auth.nonce}:{auth.nc}:{auth.cnonce}:auth" if auth.qop else auth.nonce
    if sha256:
        return _sha256_hex(f"{ha1}:{of_use}:{_sha256_hex(a2)}")
    return md5_hex(f"{ha1}:{of_use}:{_md5_known(a2)}")


# Bytes that are not UTF-8 reach us as surrogates; they must hash to the bytes that the sender hashed.


def md5_hex(text: str) -> str:
    # Nearly every text is ASCII, which takes the short way.
    raw = text.encode() if text.isascii() else text.encode("utf-8", "surrogateescape")
    return md5(raw).hexdigest()  # type: ignore[no-any-return, unused-ignore]


_md5_known = lru_cache(maxsize=1024)(md5_hex)
"""For what one call after the other says."""


def _sha256_hex(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def make_ha1(username: str, realm: str, password: str, algorithm: str = MD5) -> str:
    """HA1 as the store keeps it (RFC 7616 section 3.4.2)."""
    text = f"{username}:{realm}:{password}"
    return _sha256_hex(text) if algorithm == SHA256 else md5_hex(text)
