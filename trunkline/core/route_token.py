"""The token in our Record-Route, by which an in-dialog request proves that it belongs to its dialog (docs/architecture.md).

    <call, 32 hex>.<media mode>.<16 hex of the MAC>

The MAC is over call, media mode, Call-ID and the caller's tag. It needs no state, so it survives a restart; kamailio.cfg
makes it again for every in-dialog request. It is HMAC-MD5 (RFC 2104) with two independent keys instead of one that is
padded twice: Kamailio's own functions can make it, and MD5's collisions do not touch HMAC (RFC 6151 section 2.3).
SHA-256 would do the same for a seventh of a bare call's CPU.
"""

from __future__ import annotations

from trunkline.core.digest import md5

Keys = tuple[str, str]
"""Inner and outer key, 64 characters of ASCII each: one block of MD5."""


def route_token(keys: Keys, call_sid: str, mode: str, call_id: str, from_tag: str) -> str:
    """The token of the call with this SID (`CA` and 32 hex)."""
    head = f"{call_sid[2:]}.{mode}"
    inner = md5(f"{keys[0]}{head} {call_id} {from_tag}".encode(), usedforsecurity=False).hexdigest()
    outer = md5(f"{keys[1]}{inner}".encode(), usedforsecurity=False).hexdigest()
    return f"{head}.{outer[:16]}"
