"""The spool's reading end: whole lines, segment by segment, from where the store has them.

Many SIP processes append to a segment, and each switches to the next one by its own look at the clock. So a late line
may still come into an old segment while a newer one is being read already: the reader looks at every segment that
exists, each time, and knows (and the store keeps) how far it has read each of them.

A line that cannot be read never stops the others: it goes to `rejected.jsonl` beside the segments.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SEGMENT = re.compile(r"events-(\d{1,12})\.jsonl")
SEGMENT_SECONDS = 60
KEEP_SECONDS = 120
"""A segment that is read to its end goes this long after its minute is over."""
TORN_AFTER_SECONDS = 30
"""A last line without its end, in a segment whose minute is over for so long: its writer died in the middle of it."""
REJECTED = "rejected.jsonl"
TORN = "cut short: the disk was full, or the process that wrote it died"


@dataclass(frozen=True, slots=True)
class Line:
    """One event, and where it stood."""

    event: dict[str, Any]
    segment: str
    offset: int


@dataclass(frozen=True, slots=True)
class BadLine:
    """What stood where an event should."""

    segment: str
    offset: int
    raw: bytes
    problem: str


@dataclass(slots=True)
class Portion:
    """What was new in the spool. `SpoolReader.done` says that it is stored."""

    lines: list[Line] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    read_to: dict[str, int] = field(default_factory=dict)
    """Segment → byte where the next portion starts."""
    more: bool = False
    """The portion is full: there is more to read at once."""


class SpoolReader:
    """Reads one spool folder. It is the folder's only reader."""

    def __init__(self, folder: Path, stored: Mapping[str, int]) -> None:
        """`stored`: segment → bytes of it that the store has."""
        self._folder = folder
        self._read_to = dict(stored)

    @property
    def read_to(self) -> Mapping[str, int]:
        """Segment → bytes of it that are stored."""
        return self._read_to

    def read(self, now: float, limit: int = 1 << 20) -> Portion:
        """What is new, up to about `limit` bytes; the same again until `done`. `now`: Unix seconds."""
        portion = Portion()
        for name, minute in self._segments():
            start = self._read_to.get(name, 0)
            data, whole = self._tail(name, start, limit)
            limit -= len(data)
            end = data.rfind(b"\n") + 1
            _decode(name, start, data[:end], portion)
            if len(data) > end and whole and now >= (minute + 1) * SEGMENT_SECONDS + TORN_AFTER_SECONDS:
                portion.bad.append(BadLine(name, start + end, data[end:], TORN))
                end = len(data)
            if end:
                portion.read_to[name] = start + end
            if not whole:  # the rest of this one comes before any newer one
                portion.more = True
                break
        return portion

    def _tail(self, name: str, start: int, limit: int) -> tuple[bytes, bool]:
        """Bytes of a segment from `start`, at least one line where there is one; whether that is all of it."""
        try:
            with open(self._folder / name, "rb", buffering=0) as file:
                left = os.fstat(file.fileno()).st_size - start
                if left <= 0:
                    return b"", True
                file.seek(start)
                data = file.read(min(left, max(limit, 1))) or b""
                while len(data) < left and b"\n" not in data:
                    more = file.read(min(left - len(data), 1 << 16))
                    if not more:
                        break
                    data += more
                return data, len(data) >= left
        except FileNotFoundError:
            return b"", True

    def done(self, portion: Portion) -> None:
        """The portion is stored: go on behind it."""
        self._read_to.update(portion.read_to)

    def start_again(self, stored: Mapping[str, int]) -> None:
        """The store has something else of the spool than we thought."""
        self._read_to = dict(stored)

    def unread_bytes(self) -> int:
        """How far the store is behind."""
        return unread_bytes(self._folder, self._read_to)

    def removable(self, now: float) -> list[str]:
        """Segments that are stored to their last byte and old enough to go, and those that are gone already."""
        segments = self._segments()
        names = {name for name, _ in segments}
        found = [name for name in self._read_to if name not in names]
        for name, minute in segments:
            old = now >= (minute + 1) * SEGMENT_SECONDS + KEEP_SECONDS
            if old and name in self._read_to and (self._folder / name).stat().st_size <= self._read_to[name]:
                found.append(name)
        return found

    def remove(self, names: Iterable[str]) -> None:
        """Remove segments. The store must have forgotten them before: one made again under the name starts from 0."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
            self._read_to.pop(name, None)

    def reject(self, bad: BadLine) -> None:
        """Keep a bad line in `rejected.jsonl`, so that a person can look at it."""
        line = bad.raw.decode("utf-8", "backslashreplace")
        self._keep({"segment": bad.segment, "offset": bad.offset, "problem": bad.problem, "line": line})

    def reject_record(self, sid: str, problem: str, record: object) -> None:
        """Keep what the database refuses to store."""
        self._keep({"sid": sid, "problem": problem, "record": repr(record)})

    def _keep(self, record: dict[str, object]) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._folder / REJECTED, flags, 0o600)
        try:
            os.write(descriptor, json.dumps(record).encode() + b"\n")
        finally:
            os.close(descriptor)

    def _segments(self) -> list[tuple[str, int]]:
        return segments(self._folder)


def segments(folder: Path) -> list[tuple[str, int]]:
    """Names of all segments with their minutes, oldest first."""
    found = [(match[0], int(match[1])) for match in map(SEGMENT.fullmatch, os.listdir(folder)) if match]
    return sorted(found, key=lambda segment: segment[1])


def unread_bytes(folder: Path, read_to: Mapping[str, int]) -> int:
    """Bytes of the spool that are not stored. `read_to`: segment → bytes of it that are. Also for another process than
    the reader's, so a segment may go meanwhile.
    """
    unread = 0
    for name, _ in segments(folder):
        with suppress(FileNotFoundError):
            unread += max(0, (folder / name).stat().st_size - read_to.get(name, 0))
    return unread


def _decode(segment: str, offset: int, data: bytes, portion: Portion) -> None:
    """Whole lines → events. All lines at once in one JSON array where they are as they should be: twice as fast."""
    raws = data.split(b"\n")[:-1]
    events = _all_at_once(raws)
    for place, raw in enumerate(raws):
        if events is not None:
            portion.lines.append(Line(events[place], segment, offset))
        elif raw:  # a writer that could write only half a line begins the next one with a line end
            event, problem, skipped = _event(raw)
            if problem:
                portion.bad.append(BadLine(segment, offset, raw[:skipped], problem))
            if event is not None:
                portion.lines.append(Line(event, segment, offset + skipped))
        offset += len(raw) + 1


def _all_at_once(raws: list[bytes]) -> list[dict[str, Any]] | None:
    """One event per line; None: some line is not one event, so look at each."""
    try:
        events = json.loads((b"[" + b",".join(raws) + b"]").decode())
    except (ValueError, RecursionError):
        return None
    if len(events) != len(raws) or not all(type(event) is dict for event in events):
        return None
    return events  # type: ignore[no-any-return]


def _event(raw: bytes) -> tuple[dict[str, Any] | None, str, int]:
    """The event of a line; what is wrong with the line or its beginning ("": nothing); where the event starts."""
    try:
        event = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        pass
    else:
        return (event, "", 0) if isinstance(event, dict) else (None, "no JSON object", len(raw))
    # Behind half a line that one process could not finish may stand the whole event of another one.
    whole = raw.rfind(b'{"e":')
    if whole > 0:
        event, problem, _ = _event(raw[whole:])
        if event is not None and not problem:
            return event, TORN, whole
    return None, "not JSON", len(raw)
