"""Whether packets that begin like RTP are RTP: DNS, QUIC, games and random bytes do so by chance."""

from __future__ import annotations

from typing import Final

import numpy as np

from trunkline.analyzer.media.columns import Packets
from trunkline.analyzer.media.sequence import steps, timestamp_steps

ENOUGH: Final = 3
"""Packets: fewer prove nothing by themselves."""
_SAMPLE: Final = 2_000


def is_rtp(packets: Packets) -> bool:
    """At least three packets of one SSRC with numbers and timestamps as a sender makes them."""
    if len(packets) < ENOUGH:
        return False
    some = packets.pick(slice(0, _SAMPLE)) if len(packets) > _SAMPLE else packets
    return _counts_up(some) and _keeps_time(some) and _keeps_type(some)


def may_be_rtp(packets: Packets) -> bool:
    """Too few packets for a proof, or numbers that no sound sender makes: the other direction or the SDP has to
    confirm it.
    """
    kinds = packets.payload_type
    if len(packets) >= ENOUGH:
        return _keeps_type(packets)
    if not (_assigned(int(kinds[0])) and packets.size[0] > 0):
        return False
    return len(packets) == 1 or (kinds[0] == kinds[1] and 0 < abs(int(steps(packets.sequence)[0])) <= 10)


def _counts_up(packets: Packets) -> bool:
    """Most numbers go on by a little; all equal, or wild ones, are another protocol's field."""
    step = steps(packets.sequence)
    forward = int(((step > 0) & (step <= 50)).sum())
    close = int((np.abs(step) <= 50).sum())
    return forward >= 0.4 * len(step) and close >= 0.7 * len(step)


def _keeps_time(packets: Packets) -> bool:
    """Timestamps stay, or go on by less than ten seconds of the fastest clock; standing still for good takes more
    proof.
    """
    moved = timestamp_steps(packets.timestamp)
    sane = int((np.abs(moved) < 900_000).sum())
    if sane < 0.7 * len(moved):
        return False
    return bool(moved.any()) or len(packets) < 50 or bool((steps(packets.sequence) == 1).mean() > 0.9)


def _keeps_type(packets: Packets) -> bool:
    """Nearly all packets are of one or two assigned payload types."""
    counts = np.sort(np.bincount(packets.payload_type, minlength=128))[::-1]
    if counts[:3].sum() < 0.9 * len(packets):
        return False
    return _assigned(int(np.bincount(packets.payload_type).argmax()))


def _assigned(payload_type: int) -> bool:
    """Types that a sender may use: 1, 2 and 20 to 24, 27, 29, 30 and 72 to 76 are reserved or gone (RFC 3551)."""
    return payload_type not in {1, 20, 21, 22, 23, 24, 27, 29, 30} and not 72 <= payload_type <= 76
