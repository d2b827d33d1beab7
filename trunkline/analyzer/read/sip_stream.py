"""SIP over TCP: messages are cut by Content-Length (RFC 3261 section 18.3); after a hole, at the next start line."""

from __future__ import annotations

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.read.harvest import Harvest
from trunkline.analyzer.read.marked import Marked
from trunkline.analyzer.read.sip_start import LONGEST_LINE, content_length, find_start, glued, sip_start


class SipStream:
    """One direction."""

    matters = True

    def __init__(self, harvest: Harvest, src: Endpoint, dst: Endpoint) -> None:
        self.harvest = harvest
        self.ends = (src, dst)
        self.searched = 0
        """The headers do not end before this offset."""
        self.need = 0
        """Bytes of the message at the beginning of the buffer; 0: not known yet."""
        harvest.sip_ports.update(port for port in (src.port, dst.port) if port < 32768)

    def step(self, buffer: Marked) -> bool:
        """Takes all complete messages."""
        while buffer.data:
            if not self.need and not self.measure(buffer):
                return True
            if len(buffer.data) < self.need:
                return True
            self.emit(buffer, self.need, cut=False)
        return True

    def measure(self, buffer: Marked) -> bool:
        """Finds out how long the message is; False: more is needed to tell."""
        data = buffer.data
        if not self.searched:
            blank = len(data) - len(data.lstrip(b"\r\n"))
            if blank:  # keep-alives (RFC 5626 section 3.5.1)
                buffer.drop(blank)
            if not data:
                return False
            head = bytes(data[:LONGEST_LINE])
            if b"\n" not in head and len(head) < LONGEST_LINE:
                return False
            if sip_start(head) != 0:
                return self.resynchronise(buffer)
            # A Content-Length that is too small leaves the end of its body ahead of the next method.
            buffer.drop(glued(head.partition(b"\n")[0]))
        body = self.end_of_headers(data)
        if body < 0:
            if len(data) > self.harvest.limits.message_bytes:
                self.emit(buffer, len(data), cut=True)
            return False
        length = content_length(bytes(data[:body]))
        if length is None:
            # It must be there on a stream. Without it: up to the next message, else all that came along.
            following = find_start(data, body)
            self.need = following if following >= 0 else len(data)
        elif length > self.harvest.limits.message_bytes:
            self.emit(buffer, len(data), cut=True)
            return False
        else:
            self.need = body + length
        return True

    def end_of_headers(self, data: bytearray) -> int:
        """Offset of the body; -1: not here yet. Looks at each byte once, however slowly they come."""
        end = data.find(b"\r\n\r\n", self.searched)
        gap = 4
        if end < 0:
            end, gap = data.find(b"\n\n", self.searched), 2
        if end < 0:
            self.searched = max(len(data) - 3, 1)
            return -1
        return end + gap

    def resynchronise(self, buffer: Marked) -> bool:
        start = find_start(buffer.data, 1)
        if start < 0:
            if len(buffer.data) > 2 * LONGEST_LINE:
                buffer.drop(len(buffer.data) - LONGEST_LINE)
            return False
        buffer.drop(start)
        return self.measure(buffer)

    def emit(self, buffer: Marked, size: int, *, cut: bool) -> None:
        data, frame, frames = buffer.take(size)
        self.searched = self.need = 0
        self.harvest.message(frame, data, self.ends, "tcp", cut=cut, frames=frames)

    def lost(self, buffer: Marked) -> None:
        """The rest of the message at hand never came."""
        head = bytes(buffer.data[:LONGEST_LINE])
        if b"\n" in head and sip_start(head) == 0:
            self.emit(buffer, len(buffer.data), cut=True)
        else:
            buffer.clear()
        self.searched = self.need = 0
