"""Files of Microsoft Network Monitor 2 (its help, "Capture File Format"): a table of frames, a local start time."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read.records import CHUNK, Bytes, Complain, Records

MAGIC = b"GMBU"
LINKS = {1: 1, 2: 6, 3: 10, 6: 105, 8: 101}
"""Network Monitor's media types that have a LINKTYPE; 0xE000 and more carry a LINKTYPE themselves."""
NO_FRAMES = {0xFFFB, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF}
"""Notes of the program itself: they are no frames and get no number."""
LATEST_NS = (1 << 63) - 1
"""The year 2262: a damaged time must not leave its column."""
EPOCH_1601 = 11_644_473_600
"""Seconds from 1601, where Windows counts from, to 1970."""


def read_netmon(data: Bytes, limits: Limits, complain: Complain) -> Iterator[Records]:
    """Chunks of frames. The zone of the start time is not in old files: it is taken as UTC."""
    view = data.data
    if len(data) < 128:
        complain("the file ends within its first header", None)
        return
    minor, major, network = struct.unpack_from("<BBH", view, 4)
    begin = start_time(struct.unpack_from("<8H", view, 8))
    index_at, index_bytes = struct.unpack_from("<II", view, 24)
    count = min(index_bytes, max(len(data) - index_at, 0)) // 4
    if count < index_bytes // 4:
        complain("the table of frames is cut short", None)
    version = (major, minor)
    rows: list[tuple[int, int, int, int, int, int]] = []
    frame = 0
    for number in range(min(count, limits.packets)):
        (at,) = struct.unpack_from("<I", view, index_at + 4 * number)
        if at + 16 > len(data):
            complain("an entry of the table of frames leads out of the file", frame + 1)
            break
        delta, wire, length = struct.unpack_from("<QII", view, at)
        if length > limits.packet_bytes or at + 16 + length > len(data):
            complain("a frame is cut short or its length is damaged", frame + 1)
            break
        kind, time_ns = trailer(view, at + 16 + length, version, network, begin + min(delta, 1 << 60) * 1000)
        if kind in NO_FRAMES:
            continue
        frame += 1
        link = kind - 0xE000 if kind >= 0xE000 else LINKS.get(kind, -1)
        rows.append((frame, at + 16, length, max(wire, length), time_ns, link))
        if len(rows) == CHUNK:
            yield from tables(data, rows)
            rows = []
    yield from tables(data, rows)


def start_time(words: tuple[int, ...]) -> int:
    """Nanoseconds since 1970 of a SYSTEMTIME; 0 where it is no date."""
    year, month, _, day, hour, minute, second, milliseconds = words
    try:
        moment = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        return 0
    return int(moment.timestamp()) * 1_000_000_000 + min(milliseconds, 999) * 1_000_000


def trailer(view: memoryview, at: int, version: tuple[int, int], network: int, time_ns: int) -> tuple[int, int]:
    """Media type and time of a frame: from version 2.1 on behind it, the time in UTC from 2.3 on."""
    if version < (2, 1) or at + 2 > len(view):
        return network, min(time_ns, LATEST_NS)
    (kind,) = struct.unpack_from("<H", view, at)
    if version >= (2, 3) and at + 14 <= len(view):
        (stamp,) = struct.unpack_from("<Q", view, at + 6)
        if EPOCH_1601 * 10_000_000 < stamp < 1 << 59:
            time_ns = (stamp - EPOCH_1601 * 10_000_000) * 100
    return kind, min(time_ns, LATEST_NS)


def tables(data: Bytes, rows: list[tuple[int, int, int, int, int, int]]) -> Iterator[Records]:
    if not rows:
        return
    columns = np.array(rows, np.int64)
    for link in dict.fromkeys(columns[:, 5].tolist()):
        mine = columns[columns[:, 5] == link]
        frame, start, length, wire, time_ns = (np.ascontiguousarray(mine[:, column]) for column in range(5))
        yield Records(data, int(link), frame, start, length, wire, time_ns)
