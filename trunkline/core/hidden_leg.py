"""What the edge has to remember of one side of a dialog, sealed into a text that the other side carries for it.

Topology hiding (docs/decisions/0007-topology-hiding.md): each side's Contact and Record-Route are replaced by a Contact
of ours, whose parameter `tl` is the sealed `Leg`. An in-dialog request brings it back in its Request-URI, so nothing is
kept here and a restart forgets nothing.

Sealing is a synthetic-IV construction (RFC 5297 has the idea): a keyed BLAKE2b over all of it is both the proof that we
wrote it and the start of the SHAKE-256 stream that covers it. Equal legs give equal texts.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b, shake_256
from typing import Literal

from trunkline.core.record import record

Side = Literal["caller", "callee"]
_TELLING = re.compile(r"[@:\[]|\d\.\d{1,3}\.\d")
_PROOF = 12
"""Bytes."""
_SEPARATOR = "\n"
"""In no header value: Kamailio hands over unfolded ones, and the sanity check has refused the rest."""


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
    return call if _TELLING.search(call_id) else ""


def dialog_of(call_id: str, caller_tag: str) -> str:
    """What a leg is bound to. `call_id`: the caller's own."""
    return blake2b(f"{call_id} {caller_tag}".encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def seal(key: bytes, leg: Leg, dialog: str) -> str:
    """ASCII letters, digits, `-` and `_`: no URI needs to escape them. `key`: 32 bytes."""
    words = (
        f"{leg.side}+{leg.shift}" if leg.shift else leg.side,
        leg.token,
        leg.target,
        leg.next_hop,
        leg.call_id,
        leg.uri,
        *leg.routes,
    )
    plain = _SEPARATOR.join(words).encode("utf-8", "surrogateescape")
    proof = _proof(key, plain, dialog)
    return urlsafe_b64encode(proof + _covered(key, proof, plain)).decode().rstrip("=")


def unseal(key: bytes, text: str, call_id: str, caller_tags: tuple[str, str]) -> Leg:
    """The leg in it. `caller_tags`: the caller's tag if the caller sent this request, and if the callee did.

    `call_id`: that of the request. Raises NotSealedHere.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = _covered(key, raw[:_PROOF], raw[_PROOF:])
        words = plain.decode("utf-8", "surrogateescape").split(_SEPARATOR)
        side, token, target, next_hop, own_call_id, uri, *routes = words
        side, _, shifted = side.partition("+")
        shift = int(shifted) if shifted else 0
    except ValueError:
        raise NotSealedHere("not a sealed leg") from None
    if side not in ("caller", "callee"):
        raise NotSealedHere("not a sealed leg")
    # The leg of the callee comes with requests of the caller, and the other way round.
    caller_tag = caller_tags[0] if side == "callee" else caller_tags[1]
    caller_call_id = own_call_id if side == "caller" and own_call_id else call_id
    if _proof(key, plain, dialog_of(caller_call_id, caller_tag)) != raw[:_PROOF]:
        raise NotSealedHere("a leg of another dialog, or forged")
    whose: Side = "caller" if side == "caller" else "callee"
    return Leg(whose, token, target, next_hop, tuple(routes), own_call_id, shift, uri)


def _proof(key: bytes, plain: bytes, dialog: str) -> bytes:
    return blake2b(plain + dialog.encode(), digest_size=_PROOF, key=key).digest()


def _covered(key: bytes, proof: bytes, text: bytes) -> bytes:
    size = len(text)
    stream = shake_256(key + proof).digest(size)
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
