"""Audio of an agent with a fault: a tone as PCMU in 20 ms packets, digits, and what the fault does to them."""

from __future__ import annotations

import heapq
import math
import random
import socket
import struct
import time

from trunkline.testbench.faults import ChosenFault
from trunkline.testbench.pcap import Address
from trunkline.testbench.raw_agent import RTP_SECONDS, RawAgent

TONE_HZ = 440.0
EVENT_PACKETS = 5
"""Of one digit (RFC 4733): 100 ms, the last packet three times."""
_SAMPLES = 160
_DTMF_HZ = {
    **{digit: (697, high) for digit, high in zip("123A", (1209, 1336, 1477, 1633), strict=True)},
    **{digit: (770, high) for digit, high in zip("456B", (1209, 1336, 1477, 1633), strict=True)},
    **{digit: (852, high) for digit, high in zip("789C", (1209, 1336, 1477, 1633), strict=True)},
    **{digit: (941, high) for digit, high in zip("*0#D", (1209, 1336, 1477, 1633), strict=True)},
}


def pcmu(sample: int) -> int:
    """16 bit → µ-law (ITU-T G.711)."""
    sign, magnitude = (0x80, -sample) if sample < 0 else (0, sample)
    magnitude = min(magnitude, 32635) + 132
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


class FaultAudio:
    """The stream of one call. `step` is called often and never waits."""

    def __init__(self, agent: RawAgent, fault: ChosenFault, *, seed: int = 1) -> None:
        self._agent = agent
        self._fault = fault
        self._dice = random.Random(seed)
        self._next = 0.0
        self._sample = 0
        self._late: list[tuple[float, int, bytes]] = []
        self._sequence = self._dice.randrange(1 << 15)
        self._ssrc = self._dice.getrandbits(32)
        self._other: socket.socket | None = None
        self.to: Address | None = None
        self.sent = 0
        if fault.is_("rtp-other-port"):
            self._other = socket.socket(socket.AF_INET6 if ":" in agent.host else socket.AF_INET, socket.SOCK_DGRAM)
            self._other.bind((agent.host, 0))

    def close(self) -> None:
        if self._other is not None:
            self._other.close()

    def step(self, now: float, digit: str = "") -> None:
        """Send what is due. `now`: monotonic seconds; `digit`: one to be heard in the audio now."""
        if self._other is not None:
            self._agent.drain(self._other)
        if self.to is None or self._fault.is_("one-way-rtp"):
            return
        while self._late and self._late[0][0] <= now:
            self._send(heapq.heappop(self._late)[2])
        if now < self._next:
            return
        self._next = max(self._next + RTP_SECONDS, now - RTP_SECONDS) if self._next else now + RTP_SECONDS
        packet = self._packet(self._sound(digit), 0)
        if self._fault.is_("loss") and self._dice.uniform(0, 100) < self._fault.value:
            return
        if self._fault.is_("jitter"):
            heapq.heappush(self._late, (now + self._dice.uniform(0, self._fault.value) / 1000, self._sequence, packet))
        else:
            self._send(packet)

    def event(self, digit: str, payload_type: int) -> None:
        """One digit as telephone-events (RFC 4733 section 2.5.1), all its packets at once."""
        if self.to is None:
            return
        code = "0123456789*#ABCD".index(digit)
        stamp = self._sample
        for n in range(EVENT_PACKETS + 2):
            end = n >= EVENT_PACKETS - 1
            duration = min(n + 1, EVENT_PACKETS) * _SAMPLES
            payload = struct.pack("!BBH", code, 0x8A if end else 0x0A, duration)
            self._send(self._packet(payload, payload_type, marker=n == 0, stamp=stamp))

    def _packet(self, payload: bytes, payload_type: int, *, marker: bool = False, stamp: int | None = None) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFF
        second = payload_type | (0x80 if marker else 0)
        ticks = (self._sample if stamp is None else stamp) & 0xFFFFFFFF
        return struct.pack("!BBHII", 0x80, second, self._sequence, ticks, self._ssrc) + payload

    def _send(self, packet: bytes) -> None:
        assert self.to is not None
        self._agent.send_rtp(packet, self.to, through=self._other)
        self.sent += 1

    def _sound(self, digit: str) -> bytes:
        tones = _DTMF_HZ[digit] if digit else (TONE_HZ,)
        octets = bytearray()
        for n in range(self._sample, self._sample + _SAMPLES):
            level = sum(math.sin(2 * math.pi * hz * n / 8000) for hz in tones) / len(tones)
            octets.append(pcmu(round(9000 * level)))
        self._sample += _SAMPLES
        return bytes(octets)


def now() -> float:
    return time.monotonic()
