"""RTP, RTCP, STUN, DTLS and ZRTP on one port, told apart packet by packet (RFC 7983, RFC 5761 section 4)."""

from __future__ import annotations

from typing import Final

import numpy as np

from trunkline.analyzer.media.window import Array, Bytes, big16, big32, bytes_at

HEAD: Final = 20
"""Bytes of each datagram that are looked at: the RTP header, and the first eight of its payload."""

OTHER: Final = 0
RTP: Final = 1
RTCP: Final = 2
STUN: Final = 3
DTLS: Final = 4
ZRTP: Final = 5

_STUN_COOKIE: Final = 0x2112A442
_ZRTP_COOKIE: Final = 0x5A525450


def kinds(head: Bytes, length: Array, wire_length: Array) -> Array:
    """What each datagram is by its first bytes, as uint8 of the constants above; RTP is still to be proven by the flow.

    `head`: (n, 20) bytes; lengths: captured and on the wire.
    """
    first, second = head[:, 0], head[:, 1]
    version_2 = (first & 0xC0) == 0x80
    kind = np.zeros(len(head), np.uint8)
    kind[version_2 & (length >= 12)] = RTP
    rtcp = version_2 & (second >= 192) & (second <= 223) & (length >= 8)
    rtcp[rtcp] = (big16(head[rtcp], 2).astype(np.int64) + 1) * 4 <= wire_length[rtcp]
    kind[rtcp] = RTCP
    rare = np.flatnonzero(~version_2)
    if len(rare):
        kind[rare] = _rare(head[rare], length[rare], wire_length[rare])
    return kind


def _rare(head: Bytes, length: Array, wire_length: Array) -> Array:
    first = head[:, 0]
    kind = np.zeros(len(head), np.uint8)
    word = big32(head, 4)
    body = big16(head, 2).astype(np.int64)
    stun = (first <= 3) & (length >= 20) & (word == _STUN_COOKIE) & (body + 20 <= wire_length)
    # RFC 3489 has no cookie: binding requests and answers only, and the length must be right to the byte
    classic = (length >= 20) & (body + 20 == wire_length) & np.isin(big16(head, 0), (0x0001, 0x0101, 0x0111))
    kind[stun | classic] = STUN
    # plain DTLS 1.0 and 1.2: content types 20 to 25, version 254.255 or 254.253
    plain = (first >= 20) & (first <= 25) & (head[:, 1] == 254) & (head[:, 2] >= 253) & (length >= 13)
    kind[plain] = DTLS
    kind[(first >= 16) & (first <= 19) & (word == _ZRTP_COOKIE) & (length >= 12)] = ZRTP
    return kind


def payload_bounds(data: Bytes, offset: Array, head: Bytes, wire_length: Array, length: Array) -> tuple[Array, Array]:
    """Where the payload of RTP packets begins (in the datagram), and how many bytes it has on the wire (RFC 3550
    section 5.1).

    A negative size: the packet contradicts itself and is no RTP. Header extension and padding count only where they
    were captured.
    """
    begin = np.full(len(head), 12, np.int64)
    padding = np.zeros(len(head), np.int64)
    odd = np.flatnonzero(head[:, 0] != 0x80)
    if len(odd):
        first, here, captured = head[odd, 0], offset[odd], length[odd]
        start = 12 + 4 * (first & 0x0F).astype(np.int64)
        extended = np.flatnonzero((first & 0x10).astype(bool) & (start + 4 <= captured))
        words = big16(bytes_at(data, here[extended] + start[extended] + 2, 2), 0)
        start[extended] += 4 + 4 * words.astype(np.int64)
        begin[odd] = start
        padded = np.flatnonzero((first & 0x20).astype(bool) & (captured == wire_length[odd]))
        padding[odd[padded]] = bytes_at(data, here[padded] + captured[padded] - 1, 1)[:, 0]
    return begin, wire_length - begin - padding
