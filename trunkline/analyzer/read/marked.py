"""Bytes of a stream that still know which frames brought them."""

from __future__ import annotations

from collections import deque

from trunkline.analyzer.read.frame import Frame


class Marked:
    """A buffer that is filled at the end and emptied at the beginning."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.marks: deque[tuple[int, Frame]] = deque()
        """Position behind the last byte that a frame brought, counted from the first byte ever."""
        self.gone = 0
        """Bytes that were taken or dropped."""
        self.latest: Frame | None = None
        """Of all whose bytes were taken."""

    def add(self, data: bytes, frame: Frame) -> None:
        self.data += data
        self.marks.append((self.gone + len(self.data), frame))

    def take(self, size: int) -> tuple[bytes, Frame, tuple[int, ...]]:
        """The first `size` bytes (at least 1), the frame that made them complete, the numbers of all their frames.

        Nothing is complete before what comes ahead of it: a segment that had to wait counts when the gap closes.
        """
        frames: list[int] = []
        behind = self.gone + size
        last = self.latest or self.marks[0][1]
        for position, frame in self.marks:
            frames.extend(number for number in frame.frames or (frame.number,) if number not in frames[-4:])
            last = frame if (frame.file, frame.number) >= (last.file, last.number) else last
            if position >= behind:
                break
        self.latest = last
        data = bytes(self.data[:size])
        self.drop(size)
        return data, last, tuple(sorted(frames[:8192]))

    def drop(self, size: int) -> None:
        del self.data[:size]
        self.gone += size
        while self.marks and self.marks[0][0] <= self.gone:
            self.marks.popleft()

    def clear(self) -> None:
        self.drop(len(self.data))
