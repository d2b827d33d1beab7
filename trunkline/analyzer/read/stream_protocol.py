"""What one direction of a TCP connection carries: told by its bytes, whatever the port, also from the middle on."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.harvest import Harvest
from trunkline.analyzer.read.marked import Marked
from trunkline.analyzer.read.sip_start import LONGEST_LINE, find_start, sip_start
from trunkline.analyzer.read.sip_stream import SipStream
from trunkline.analyzer.read.tls import TlsStream
from trunkline.analyzer.read.websocket import WebSocketStream, read_frame

PATIENCE = 64 << 10
"""Bytes that may go by before a connection is taken for something else."""
PATIENCE_ON_SIP_PORT = 4 << 20
Part = SipStream | TlsStream | WebSocketStream


class HepStream:
    """HEP 3 packets, one behind the other."""

    matters = False

    def __init__(self, hep: Callable[[Frame, bytes], bool]) -> None:
        self.hep = hep

    def step(self, buffer: Marked) -> bool:
        """Takes what is complete; False: nothing that follows can be read."""
        while len(buffer.data) >= 6:
            size = int.from_bytes(buffer.data[4:6], "big")
            if buffer.data[:4] != b"HEP3" or size < 6:
                at = buffer.data.find(b"HEP3", 1)
                if at < 0:
                    buffer.drop(max(len(buffer.data) - 3, 0))
                    return True
                buffer.drop(at)
                continue
            if len(buffer.data) < size:
                return True
            packet, frame, _ = buffer.take(size)
            self.hep(frame, packet)
        return True

    def lost(self, buffer: Marked) -> None:
        buffer.clear()


class StreamReader:
    """One direction. `feed` gets its bytes in order."""

    def __init__(self, harvest: Harvest, hep: Callable[[Frame, bytes], bool], src: Endpoint, dst: Endpoint) -> None:
        self.harvest = harvest
        self.hep = hep
        self.ends = (src, dst)
        self.buffer = Marked()
        self.part: Part | HepStream | None = None
        self.seen = 0

    @property
    def matters(self) -> bool:
        """Whether SIP or TLS was found on it."""
        return self.part is not None and self.part.matters

    def feed(self, data: bytes, frame: Frame) -> bool:
        """False: nothing that follows will be read."""
        self.buffer.add(data, frame)
        self.seen += len(data)
        if self.part is None:
            if not self.recognise():
                self.buffer.clear()
                return False
            if self.part is None:
                return True
        going_on = self.part.step(self.buffer)
        if not going_on:
            self.buffer.clear()
        return going_on

    def lost(self) -> None:
        """Bytes are missing here."""
        if self.part is not None:
            self.part.lost(self.buffer)
        else:
            self.buffer.clear()

    def recognise(self) -> bool:
        """Sets `part`, or waits for more; False: it is none of them."""
        head = bytes(self.buffer.data[:LONGEST_LINE])
        if 0x14 <= head[0] <= 0x17 and (len(head) < 3 or (head[1] == 3 and head[2] <= 4)):
            if len(head) < 6:
                return True
            self.part = TlsStream(self.harvest, *self.ends)
        elif head.startswith(b"HEP3"):
            self.part = HepStream(self.hep)
        elif sip_start(head) >= 0 and b"\n" in head:
            self.part = SipStream(self.harvest, *self.ends)
        elif head.startswith((b"GET ", b"HTTP/1.")):
            return self.upgrade()
        elif read_frame(head) is not None and WebSocketStream.carries_sip(head):
            self.part = WebSocketStream(self.harvest, *self.ends)
        else:
            return self.search()
        return True

    def search(self) -> bool:
        """The capture may begin in the middle of a message: looks for the next one."""
        if find_start(self.buffer.data, 0) >= 0:
            self.part = SipStream(self.harvest, *self.ends)
            return True
        ports = {self.ends[0].port, self.ends[1].port}
        if self.seen > (PATIENCE_ON_SIP_PORT if ports & self.harvest.sip_ports else PATIENCE):
            return False
        if len(self.buffer.data) > 2 * LONGEST_LINE:
            self.buffer.drop(len(self.buffer.data) - LONGEST_LINE)
        return True

    def upgrade(self) -> bool:
        """RFC 6455 section 1.3: HTTP becomes WebSocket after its headers; any other HTTP is not read."""
        end = self.buffer.data.find(b"\r\n\r\n")
        if end < 0:
            return len(self.buffer.data) < PATIENCE
        head = bytes(self.buffer.data[:end]).lower()
        self.buffer.drop(end + 4)
        if b"websocket" not in head or b"upgrade" not in head:
            return False
        self.part = WebSocketStream(self.harvest, *self.ends)
        return True
