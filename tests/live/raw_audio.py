"""RTP by hand: a port that listens to PCMU, and measures the tone in it."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from typing import Self

from trunkline.testbench.tone import ToneReading, measure_tone

PACKET_SECONDS = 0.02


def decode_pcmu(octets: bytes) -> list[int]:
    """ITU-T G.711, µ-law → 16 bit."""
    return [_linear(~octet & 0xFF) for octet in octets]


def _linear(octet: int) -> int:
    value = (((octet & 0x0F) << 3) + 0x84 << ((octet & 0x70) >> 4)) - 0x84
    return -value if octet & 0x80 else value


class RawAudio:
    """One UDP port for RTP."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._sequence, self._ssrc = secrets.randbelow(1 << 15), secrets.randbits(32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def talk(self, to: tuple[str, int], seconds: float, hz: float) -> ToneReading:
        """Send silence at the usual pace for so long, and measure `hz` in what comes back meanwhile."""
        self._empty()
        heard: list[int] = []
        begun = time.monotonic()
        for n in range(round(seconds / PACKET_SECONDS)):
            self._sequence += 1
            header = struct.pack(
                "!BBHII", 0x80, 0, self._sequence & 0xFFFF, self._sequence * 160 & 0xFFFFFFFF, self._ssrc
            )
            self._socket.sendto(header + b"\xff" * 160, to)
            until = begun + (n + 1) * PACKET_SECONDS
            while (left := until - time.monotonic()) > 0:
                self._socket.settimeout(left)
                try:
                    packet = self._socket.recv(2048)
                except TimeoutError:
                    break
                if packet[1] & 0x7F == 0:
                    heard += decode_pcmu(packet[12:])
        return measure_tone(heard, hz, 8000)

    def overhear(self, seconds: float) -> int:
        """Send nothing for so long; how many packets come."""
        self._empty()
        packets, until = 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                self._socket.recv(2048)
            except TimeoutError:
                break
            packets += 1
        return packets

    def _empty(self) -> None:
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(2048)
        except BlockingIOError:
            pass
