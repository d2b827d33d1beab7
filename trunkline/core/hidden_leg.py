"""What the edge has to remember of one side of a dialog, sealed into a text that the other side carries for it.

Topology hiding (docs/decisions/0007-topology-hiding.md): each side's Contact and Record-Route are replaced by a Contact
of ours, whose parameter `tl` is the sealed `Leg`. An in-dialog request brings it back in its Request-URI, so nothing is
kept here and a restart forgets nothing.

Sealing is a synthetic-IV construction (RFC 5297 has the idea): BLAKE2b of key, leg and dialog is both the proof that we
wrote it and the start of the stream that covers it, BLAKE2b of key, proof and a counter. Equal legs give equal texts.

Each call seals and opens legs between two messages of other calls, so each step is one that caches have forgotten.
BLAKE2b needs no set-up by OpenSSL, as SHAKE-256 does. The key leads what is hashed, which BLAKE2 allows (nobody can
lengthen what it has hashed); its own way of taking a key costs a block more.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from hashlib import blake2b
from typing import Literal

from trunkline.core.record import record

Side = Literal["caller", "callee"]
_NUMBERS = re.compile(r"\d\.\d{1,3}\.\d")
_PROOF = 12
"""Bytes."""
_SEPARATOR = "\n"
"""In no header value: Kamailio hands over unfolded ones, and the sanity check has refused the rest."""
_CALL = 16
"""Bytes of the call in the token: half as long as its hexadecimal digits."""
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


class NotSealedHere(ValueError):
    """The text is not one that `seal` made with this key for this dialog."""


@record
class Leg:
    """One side of a dialog, as the other side's requests need it."""

    side: Side
    """Whose leg it is: requests that bring it come from the other side."""
    token: str
    """`<call, 32 hex>.<media mode>.<start, 10 digits>`: what core/route_token.py puts its MAC behind."""
    target: str
    """Its Contact's URI: the Request-URI of what is sent to it."""
    next_hop: str
    """Where to send when there are no routes, a SIP URI."""
    routes: tuple[str, ...] = ()
    """Its proxies, `<uri>`, in the order of a Route header."""
    call_id: str = ""
    """Its own Call-ID where the other side has another one."""
    shift: int = 0
    """How much higher CSeq is in the caller's requests as the callee gets them: a carrier's challenge was answered by
    the edge (RFC 3261 section 22.2), and the caller never knew. In both legs."""
    uri: str = ""
    """The caller's URI as this side knows it, where the callee was shown another number than the caller gave."""


def other_call_id(call: str, call_id: str) -> str:
    """The Call-ID that the callee gets instead of one that names a host; empty where the caller's may pass.

    `call`: the call's SID without its two letters.
    """
    if "@" in call_id or ":" in call_id or "[" in call_id or ("." in call_id and _NUMBERS.search(call_id)):
        return call
    return ""


def dialog_of(call_id: str, caller_tag: str) -> str:
    """What a leg is bound to. `call_id`: the caller's own."""
    return f"{call_id} {caller_tag}"


def seal(key: bytes, leg: Leg, dialog: str) -> str:
    """ASCII letters, digits, `-` and `_`: no URI needs to escape them. `key`: 32 bytes."""
    token = leg.token
    words = (
        f"{'A' if leg.side == 'caller' else 'B'}{leg.shift or ''}{token[32:]}\n"
        f"{leg.target}\n{leg.next_hop}\n{leg.call_id}\n{leg.uri}"
    )
    if leg.routes:
        words += "\n" + _SEPARATOR.join(leg.routes)
    plain = bytes.fromhex(token[:32]) + _bytes(words)
    proof = _proof(key, plain, dialog)
    text = b2a_base64(proof + _covered(key + proof, plain), newline=False)
    return text.translate(_TO_URL).decode().rstrip("=")


def unseal(key: bytes, text: str, call_id: str, caller_tags: tuple[str, str]) -> Leg:
    """The leg in it. `caller_tags`: the caller's tag if the caller sent this request, and if the callee did.

    `call_id`: that of the request. Raises NotSealedHere.
    """
    try:
        raw = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"===")
        proof = raw[:_PROOF]
        plain = _covered(key + proof, raw[_PROOF:])
        words = plain[_CALL:].decode("utf-8", "surrogateescape")
        head, target, next_hop, own_call_id, uri, *routes = words.split(_SEPARATOR)
        side_and_shift, _, mode_and_start = head.partition(".")
        shift = int(side_and_shift[1:] or 0)
    except ValueError:
        raise NotSealedHere("not a sealed leg") from None
    # The leg of the callee comes with requests of the caller, and the other way round.
    side: Side
    if side_and_shift[:1] == "A":
        side, dialog = "caller", dialog_of(own_call_id or call_id, caller_tags[1])
    else:
        side, dialog = "callee", dialog_of(call_id, caller_tags[0])
    if _proof(key, plain, dialog) != proof:
        raise NotSealedHere("a leg of another dialog, or forged")
    token = f"{plain[:_CALL].hex()}.{mode_and_start}"
    return Leg(side, token, target, next_hop, tuple(routes), own_call_id, shift, uri)


def _bytes(text: str) -> bytes:
    # To name the encoding takes Python three times as long.
    return text.encode() if text.isascii() else text.encode("utf-8", "surrogateescape")


def _proof(key: bytes, plain: bytes, dialog: str) -> bytes:
    # With its length in front, nothing of the leg can be taken for a part of the dialog.
    return blake2b(key + len(plain).to_bytes(4, "big") + plain + _bytes(dialog), digest_size=_PROOF).digest()


def _covered(start: bytes, text: bytes) -> bytes:
    size = len(text)
    stream = blake2b(start + b"0").digest() + blake2b(start + b"1").digest()
    if size > 128:  # a usual leg has some 100
        stream += b"".join([blake2b(start + b"%d" % n).digest() for n in range(2, (size + 63) // 64)])
    # Little-endian: Python makes numbers of it a fifth faster.
    return (int.from_bytes(text, "little") ^ int.from_bytes(stream[:size], "little")).to_bytes(size, "little")
