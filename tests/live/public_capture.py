"""A capture that was made on loopback as if it had been made on the Internet: private addresses are a fault there."""

from __future__ import annotations

import re
import struct

LOOPBACK = re.compile(rb"\b127\.0\.(?=\d{1,3}\.\d)")
PUBLIC = b"198.9."
"""As long as `127.0.`: bodies keep their length."""
_FILE_HEADER, _PACKET_HEADER, _IP_HEADER = 24, 16, 20
_TCP, _RTP = 6, 0x80


def public(capture: bytes) -> bytes:
    """127.0.x.y → 198.9.x.y in the IPv4 headers and the SIP of a capture that `PcapWriter` wrote (raw IP). RTP stays as
    it is: four octets of audio or of a sequence number may look like an address. So does the TLS of TCP.
    """
    done, at = bytearray(capture[:_FILE_HEADER]), _FILE_HEADER
    while at < len(capture):
        (length,) = struct.unpack_from("<I", capture, at + 8)
        begin = at + _PACKET_HEADER
        packet = capture[begin : begin + length]
        assert packet[0] == 0x45, "raw IPv4 without options"
        addresses = b"".join(b"\xc6\x09" + one[2:] for one in (packet[12:16], packet[16:20]))
        rest = packet[_IP_HEADER:]
        if packet[9] != _TCP and rest[8:9] != bytes([_RTP]):
            rest = rest[:8] + LOOPBACK.sub(PUBLIC, rest[8:])
        done += capture[at:begin] + packet[:12] + addresses + rest
        at = begin + length
    return bytes(done)
