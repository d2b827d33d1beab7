"""The token in our Record-Route, by which an in-dialog request proves that it belongs to its dialog
(docs/architecture.md).

    <call, 32 hex>.<media mode>.<start, 10 digits of Unix seconds>.<MAC, 16 hex>

The MAC is over all before it, the Call-ID and the caller's tag. It needs no state, so it survives a restart;
kamailio.cfg makes it again for every in-dialog request. It is built as HMAC is (RFC 2104), of Kamailio's own functions:
a keyed hash, and around it another with another key, so that nobody can lengthen what was signed. The hash is MD5,
whose collisions do not help to forge a MAC (RFC 6151 section 2.3): with SHA-256 Kamailio would spend a seventh of a
bare call's CPU on it.
"""

from __future__ import annotations

from trunkline.core.digest import md5_hex

Keys = tuple[str, str]
"""Inner and outer key, ASCII. The outer one has at most 23 characters: with the inner hash it fits into one block."""


def route_token(keys: Keys, call_sid: str, mode: str, start: int, call_id: str, from_tag: str) -> str:
    """The token of the call with this SID (`CA` and 32 hex). `start`: Unix seconds."""
    inner_key, outer_key = keys
    head = f"{call_sid[2:]}.{mode}.{str(start).zfill(10)}"
    inner = md5_hex(f"{inner_key}{head} {call_id} {from_tag}")
    return f"{head}.{md5_hex(outer_key + inner)[:16]}"
