"""SIP in WebSocket frames (RFC 6455 section 5, RFC 7118): one message in each."""

from __future__ import annotations

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.read.harvest import Harvest
from trunkline.analyzer.read.marked import Marked
from trunkline.analyzer.read.sip_start import sip_start

CONTINUATION, TEXT, BINARY, CLOSE = 0, 1, 2, 8


def read_frame(data: bytes | bytearray) -> tuple[int, bool, int, int, bytes] | None:
    """Opcode, whether it is the last of its message, offset and length of the payload, mask. None: too short to tell.

    A frame that no client or server sends (reserved bits or opcodes) has opcode -1.
    """
    if len(data) < 2:
        return None
    opcode, size, at = data[0] & 0x0F, data[1] & 0x7F, 2
    wide = {126: 2, 127: 8}.get(size, 0)
    masked = 4 if data[1] & 0x80 else 0
    if len(data) < at + wide + masked:
        return None
    if wide:
        size, at = int.from_bytes(data[2 : 2 + wide], "big"), at + wide
    if data[0] & 0x70 or opcode not in {0, 1, 2, 8, 9, 10}:
        opcode = -1
    return opcode, bool(data[0] & 0x80), at + masked, size, bytes(data[at : at + masked])


def unmask(data: bytes, mask: bytes) -> bytes:
    """Payload in clear (section 5.3)."""
    if not mask or not data:
        return data
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


class WebSocketStream:
    """One direction."""

    def __init__(self, harvest: Harvest, src: Endpoint, dst: Endpoint) -> None:
        self.harvest = harvest
        self.ends = (src, dst)
        self.parts = b""
        self.frames: tuple[int, ...] = ()
        self.matters = False

    @staticmethod
    def carries_sip(head: bytes) -> bool:
        """Whether a frame at the beginning of these bytes holds SIP: how a connection is told from its middle."""
        found = read_frame(head)
        if found is None or found[0] not in {TEXT, BINARY}:
            return False
        _, _, at, size, mask = found
        return sip_start(unmask(head[at : at + min(size, 2048)], mask)) >= 0

    def step(self, buffer: Marked) -> bool:
        """Takes all complete frames; False: what follows is no WebSocket."""
        while (found := read_frame(buffer.data)) is not None:
            opcode, last, at, size, mask = found
            if opcode < 0 or size > self.harvest.limits.message_bytes * 2:
                return False
            if len(buffer.data) < at + size:
                return True
            packet, frame, frames = buffer.take(at + size)
            if opcode == CLOSE:
                return False
            if opcode > BINARY:
                continue
            payload = unmask(packet[at:], mask)
            if opcode != CONTINUATION:
                self.parts, self.frames = b"", ()
            if len(self.parts) + len(payload) > self.harvest.limits.message_bytes:
                continue
            self.parts, self.frames = self.parts + payload, (self.frames + frames)[-8192:]
            start = sip_start(self.parts) if last else -1
            if start >= 0:
                self.matters = True
                self.harvest.message(frame, self.parts[start:], self.ends, "ws", frames=self.frames)
        return True

    def lost(self, buffer: Marked) -> None:
        """Where the next frame begins cannot be told but by chance: the next segment mostly begins with one."""
        buffer.clear()
        self.parts, self.frames = b"", ()
