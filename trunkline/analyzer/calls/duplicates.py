"""Packets that the capture holds twice (rule CAP-03), told from packets that were sent twice.

Within one file: the same bytes within 5 ms, on another MAC address, VLAN, TTL, interface or address, or with the same
IP id. The first retransmission comes 500 ms later (RFC 3261 section 17.1.1.1), so what comes within 5 ms is none.

Between files: capture points see one message at times that differ by their clocks. The usual difference of the messages
that both files hold once is taken for the clocks' difference, and what lies near it is the same message.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from trunkline.analyzer.model.capture import LinkFacts, RawMessage
from trunkline.analyzer.model.message import Message

SAME_FILE_SECONDS = 0.005
_OTHER_FILE_SECONDS = 0.2
_LARGEST_CLOCK_DIFFERENCE = 3600.0
_AT_ONCE = 0.001
_LOOK_BACK = 8


def mark_duplicates(messages: list[Message]) -> None:
    """Sets `duplicate_of`; messages in the order of the capture."""
    firsts: dict[bytes, Message] = {}
    alike: dict[bytes, list[Message]] = {}
    for message in messages:
        if message.raw.source != "text":
            data = message.raw.data
            first = firsts.setdefault(data, message)
            if first is not message:
                alike.setdefault(data, [first]).append(message)
    groups = list(alike.values())
    clocks = _clock_differences(groups)
    for group in groups:
        _mark(group, clocks)


def _mark(group: list[Message], clocks: dict[tuple[int, int], float]) -> None:
    kept: list[Message] = []
    # Of another file, one message has one double: a second one near it is a retransmission that both files hold.
    taken: set[tuple[int, int]] = set()
    for message in group:
        for earlier in reversed(kept[-_LOOK_BACK:]):
            file = message.place.file
            if file == earlier.place.file:
                twice = _captured_twice(earlier.raw, message.raw)
            else:
                twice = (earlier.index, file) not in taken and _other_capture_point(earlier.raw, message.raw, clocks)
                if twice:
                    taken.add((earlier.index, file))
            if twice:
                message.duplicate_of = earlier.index
                break
        else:
            kept.append(message)


def _captured_twice(first: RawMessage, second: RawMessage) -> bool:
    if first.time is None or second.time is None:
        return False
    # HEP agents on several machines have clocks of their own.
    several = first.source == "hep" and first.capture_point != second.capture_point
    if not 0 <= second.time - first.time < (_OTHER_FILE_SECONDS if several else SAME_FILE_SECONDS):
        return False
    if (first.src, first.dst) != (second.src, second.dst):
        # Ahead of and behind a translation of addresses. Two that share neither side are two messages.
        return _share_a_side(first, second)
    if first.capture_point and second.capture_point and first.capture_point != second.capture_point:
        return True
    one, two = first.link, second.link
    if one.ip_id and two.ip_id:
        return one.ip_id == two.ip_id or _other_link(one, two)
    return _other_link(one, two) or (
        first.transport == "udp" and first.source == "packet" and second.time - first.time < _AT_ONCE
    )


def _share_a_side(first: RawMessage, second: RawMessage) -> bool:
    if first.src is None or first.dst is None or second.src is None or second.dst is None:
        return False
    return first.src.ip == second.src.ip or first.dst.ip == second.dst.ip


def _other_link(one: LinkFacts, two: LinkFacts) -> bool:
    return (one.ttl, one.src_mac, one.dst_mac, one.vlan, one.interface) != (
        two.ttl,
        two.src_mac,
        two.dst_mac,
        two.vlan,
        two.interface,
    )


def _other_capture_point(first: RawMessage, second: RawMessage, clocks: dict[tuple[int, int], float]) -> bool:
    if first.time is None or second.time is None:
        return False
    expected = clocks.get((first.place.file, second.place.file))
    return expected is not None and abs(second.time - first.time - expected) < _OTHER_FILE_SECONDS


def _clock_differences(groups: list[list[Message]]) -> dict[tuple[int, int], float]:
    """(file, other file) to seconds that the other's clock is ahead, from messages that each of both holds once."""
    differences: dict[tuple[int, int], list[float]] = defaultdict(list)
    for group in groups:
        files: dict[int, list[float]] = defaultdict(list)
        for message in group:
            if message.time is not None:
                files[message.place.file].append(message.time)
        once = [(file, times[0]) for file, times in files.items() if len(times) == 1]
        if len(once) < 2:
            continue
        for file, time in once[:4]:
            for other, other_time in once[:4]:
                if file != other and abs(other_time - time) < _LARGEST_CLOCK_DIFFERENCE:
                    differences[file, other].append(other_time - time)
    return {pair: median(seconds) for pair, seconds in differences.items()}
