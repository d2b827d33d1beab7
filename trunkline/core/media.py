"""What rtpengine is asked to do with the SDP of a call: flags for its `offer` and `answer` (rtpengine 10.5; peers.md
2.10).

The media mode is one letter that travels in our Record-Route, so that a re-INVITE, hours later and after a restart,
gets the same treatment as the first offer:

    p   plain RTP on both sides
    s   the caller's side is secure (SRTP by SDES, RFC 4568), the callee's plain: termination of a secure trunk
    S   the callee's side is secure, the caller's plain: origination of a secure trunk

Flags are seen from the sender of the SDP: they say what goes out to the *other* side. A secure callee is offered
AES_CM_128_HMAC_SHA1_80 alone; from a secure caller `_32` is accepted as well. All other suites are off: the default
list of eight makes INVITEs too big for one UDP packet.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from trunkline.core.networks import is_behind_nat


class Side(Enum):
    CALLER = "caller"
    CALLEE = "callee"


PLAIN = "p"
MODES = (PLAIN, "s", "S")

# strict-source: once a stream has settled, packets from elsewhere are nobody's (a re-INVITE lets rtpengine learn anew).
_ALWAYS = ("replace-origin", "replace-session-connection", "ICE=remove", "rtcp-mux-demux", "strict-source")
# RFC 4568 section 6.2 has three suites; these are the ones that rtpengine 10.5 knows besides the two that we take.
_OTHER_SUITES = (
    "AEAD_AES_256_GCM",
    "AEAD_AES_128_GCM",
    "AES_256_CM_HMAC_SHA1_80",
    "AES_256_CM_HMAC_SHA1_32",
    "AES_192_CM_HMAC_SHA1_80",
    "AES_192_CM_HMAC_SHA1_32",
    "F8_128_HMAC_SHA1_80",
    "F8_128_HMAC_SHA1_32",
    "NULL_HMAC_SHA1_80",
    "NULL_HMAC_SHA1_32",
)
_NO_OTHER_SUITES = tuple(f"SDES-no-{suite}" for suite in _OTHER_SUITES)


_TAKEN_KEY = re.compile(r"^a=crypto:\d+[ \t]+AES_CM_128_HMAC_SHA1_(80|32)[ \t]", re.IGNORECASE | re.MULTILINE)


def has_taken_key(sdp: str) -> bool:
    """Whether an offer of SRTP has a key of a suite that is accepted (RFC 4568 section 9.1)."""
    return _TAKEN_KEY.search(sdp) is not None


def media_mode(secure_side: Side | None) -> str:
    """The letter for a call with this side secure (None: neither)."""
    return PLAIN if secure_side is None else "s" if secure_side is Side.CALLER else "S"


@lru_cache(maxsize=64)
def rtpengine_flags(mode: str, *, sender_is_caller: bool, is_offer: bool, behind_nat: bool) -> str:
    """The flags for one SDP body, blank-separated. Raises ValueError for an unknown mode.

    `sender_is_caller`: the SDP comes from the side that sent the first INVITE (also in re-INVITEs, whoever sends
    those). `behind_nat`: see `sdp_is_behind_nat`.
    """
    if mode not in MODES:
        raise ValueError(f"unknown media mode {mode!r}: one of {', '.join(MODES)}")
    sender_secure = mode == ("s" if sender_is_caller else "S")
    receiver_secure = mode == ("S" if sender_is_caller else "s")
    flags = [
        *_ALWAYS,
        "SIP-source-address" if behind_nat else "trust-address",
        "RTP/SAVP" if receiver_secure else "RTP/AVP",
    ]
    if sender_secure or receiver_secure:
        flags += ["DTLS=off", *_NO_OTHER_SUITES]
    if is_offer and receiver_secure and mode == "S":
        # A secure caller chose its suite in its own first offer; a re-INVITE towards it must not take that one away.
        flags.append("SDES-no-AES_CM_128_HMAC_SHA1_32")
    return " ".join(flags)


def sdp_is_behind_nat(sdp_address: str, source_ip: str) -> bool:
    """Whether to trust the packet's source rather than the SDP: its address is not reachable from elsewhere, and not
    the source.
    """
    return sdp_address != source_ip and is_behind_nat(sdp_address)
