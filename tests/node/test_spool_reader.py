from __future__ import annotations

import json
from pathlib import Path

import pytest
from spool_events import START, CallEvents, Event, as_line, edge_started, segment_of, write_spool

from trunkline.node.spool_reader import KEEP_SECONDS, TORN_AFTER_SECONDS, Portion, SpoolReader

MINUTE = int(START) // 60
NOW = START + 1.0
FIRST, SECOND, THIRD = (f"events-{MINUTE + number}.jsonl" for number in range(3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def put(folder: Path, segment: str, *data: bytes) -> None:
    with (folder / segment).open("ab") as file:
        file.write(b"".join(data))


def event(number: int) -> Event:
    return edge_started(START + number)


def read(reader: SpoolReader, now: float = NOW, limit: int = 1 << 20) -> tuple[Portion, list[float]]:
    """The portion, stored, and the times of its events."""
    portion = reader.read(now, limit)
    reader.done(portion)
    return portion, [line.event["at"] - START for line in portion.lines]


def test_an_empty_spool_has_nothing(folder: Path) -> None:
    portion = SpoolReader(folder, {}).read(NOW)
    assert (portion.lines, portion.read_to, portion.more) == ([], {}, False)


def test_segments_in_order_and_each_line_once(folder: Path) -> None:
    put(folder, SECOND, as_line(event(60)))
    put(folder, FIRST, as_line(event(1)), as_line(event(2)))
    put(folder, "events-9.jsonl", as_line(event(0)))  # by number, not by letter
    reader = SpoolReader(folder, {})
    assert read(reader)[1] == [0, 1, 2, 60]
    assert read(reader)[1] == []
    put(folder, SECOND, as_line(event(61)))
    portion, times = read(reader)
    assert times == [61]
    assert portion.read_to == {SECOND: (folder / SECOND).stat().st_size}


def test_the_same_again_until_it_is_stored(folder: Path) -> None:
    put(folder, FIRST, as_line(event(1)))
    reader = SpoolReader(folder, {})
    assert reader.read(NOW) == reader.read(NOW)
    assert reader.unread_bytes() == len(as_line(event(1)))
    reader.done(reader.read(NOW))
    assert reader.unread_bytes() == 0


def test_goes_on_where_the_store_says(folder: Path) -> None:
    put(folder, FIRST, as_line(event(1)), as_line(event(2)))
    reader = SpoolReader(folder, {FIRST: len(as_line(event(1)))})
    portion, times = read(reader)
    assert times == [2]
    assert (portion.lines[0].segment, portion.lines[0].offset) == (FIRST, len(as_line(event(1))))


def test_line_is_read_when_it_is_whole(folder: Path) -> None:
    line = as_line(event(1))
    reader = SpoolReader(folder, {})
    for part in (line[:5], line[5:-1]):
        put(folder, FIRST, part)
        assert read(reader)[1] == []
    put(folder, FIRST, line[-1:], as_line(event(2))[:7])
    assert read(reader)[1] == [1]


def test_late_line_of_an_old_segment(folder: Path) -> None:
    """Another SIP process had looked at the clock a moment before the minute was over."""
    put(folder, FIRST, as_line(event(1)))
    put(folder, SECOND, as_line(event(60)))
    reader = SpoolReader(folder, {})
    assert read(reader)[1] == [1, 60]
    put(folder, FIRST, as_line(event(59)))
    portion, times = read(reader)
    assert times == [59]
    assert list(portion.read_to) == [FIRST]


def test_missing_segments_and_other_files(folder: Path) -> None:
    put(folder, FIRST, as_line(event(1)))
    put(folder, THIRD, as_line(event(120)))
    for name in ("rejected.jsonl", "events-x.jsonl", "name", "events-1.jsonl.gz"):
        put(folder, name, b"{}\n")
    assert read(SpoolReader(folder, {SECOND: 77}))[1] == [1, 120]


def test_portions_are_limited_and_lines_stay_whole(folder: Path) -> None:
    lines = [as_line(event(number)) for number in range(10)]
    put(folder, FIRST, *lines)
    put(folder, SECOND, as_line(event(60)))
    reader = SpoolReader(folder, {})
    times: list[float] = []
    turns = 0
    while True:
        portion, found = read(reader, limit=2 * len(lines[0]) + 3)
        times += found
        turns += 1
        assert SECOND not in portion.read_to or len(times) == 11  # never the newer one before the older is read
        if not portion.more:
            break
    assert times == [*range(10), 60]
    assert turns > 4


def test_line_longer_than_a_portion(folder: Path) -> None:
    long = as_line(event(1) | {"edge": "x" * 200_000})
    put(folder, FIRST, long, *(as_line(event(2)) for _ in range(2000)))
    reader = SpoolReader(folder, {})
    portion, times = read(reader, limit=10)
    assert times[0] == 1
    assert len(times) < 1500
    assert portion.more


# --- what cannot be read

BAD_LINES = {
    "rubbish": b"rubbish",
    "cut short": b'{"e":"bye","sid":"CA',
    "no object": b"[1,2]",
    "two in one": b'{"a":1},{"a":2}',
    "not UTF-8": b"\xff\xfe",
    "NUL": b"\x00\x00",
    "too deep": b"[" * 100_000,
    "carriage return": b'{"e":\r',
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_line_does_not_stop_the_others(folder: Path, name: str) -> None:
    bad = BAD_LINES[name]
    put(folder, FIRST, as_line(event(1)), bad, b"\n", as_line(event(2)))
    portion, times = read(SpoolReader(folder, {}))
    assert times == [1, 2]
    (found,) = portion.bad
    assert (found.raw, found.segment, found.offset) == (bad, FIRST, len(as_line(event(1))))
    assert portion.read_to[FIRST] == (folder / FIRST).stat().st_size


def test_whole_event_behind_half_a_line(folder: Path) -> None:
    torn = as_line(event(1))[:20]
    put(folder, FIRST, torn, as_line(event(2)), b"\n", as_line(event(3)))
    portion, times = read(SpoolReader(folder, {}))
    assert times == [2, 3]
    assert [bad.raw for bad in portion.bad] == [torn]
    assert portion.lines[0].offset == 20


def test_torn_last_line_of_an_old_segment(folder: Path) -> None:
    put(folder, FIRST, as_line(event(1)), b'{"e":"bye"')
    put(folder, SECOND, as_line(event(60)))
    reader = SpoolReader(folder, {})
    portion, times = read(reader, now=(MINUTE + 1) * 60 + TORN_AFTER_SECONDS - 1)
    assert (times, portion.bad) == ([1, 60], [])
    portion, times = read(reader, now=(MINUTE + 1) * 60 + TORN_AFTER_SECONDS)
    assert times == []
    assert [(bad.raw, bad.offset) for bad in portion.bad] == [(b'{"e":"bye"', len(as_line(event(1))))]
    assert reader.read_to[FIRST] == (folder / FIRST).stat().st_size


def test_rejected_lines_are_kept(folder: Path) -> None:
    put(folder, FIRST, b"one \xff\n", b"two\n")
    reader = SpoolReader(folder, {})
    for bad in reader.read(NOW).bad:
        reader.reject(bad)
    reader.reject_record("CA1", "why", {"a": 1})
    one, two, record = map(json.loads, (folder / "rejected.jsonl").read_text().splitlines())
    assert one == {"segment": FIRST, "offset": 0, "problem": "not JSON", "line": "one \\xff"}
    assert two["offset"] == 6
    assert record == {"sid": "CA1", "problem": "why", "record": "{'a': 1}"}
    assert (folder / "rejected.jsonl").stat().st_mode & 0o777 == 0o600


# --- removal


def test_read_segments_go_two_minutes_after_their_minute(folder: Path) -> None:
    put(folder, FIRST, as_line(event(1)))
    put(folder, SECOND, as_line(event(60)))
    reader = SpoolReader(folder, {})
    old_enough = (MINUTE + 1) * 60 + KEEP_SECONDS
    assert reader.removable(old_enough) == []  # not read yet
    read(reader)
    assert reader.removable(old_enough - 1) == []
    assert reader.removable(old_enough) == [FIRST]
    put(folder, FIRST, as_line(event(2)))
    assert reader.removable(old_enough) == []  # something came in again
    read(reader)
    reader.remove(reader.removable(old_enough))
    assert sorted(path.name for path in folder.iterdir()) == [SECOND]
    assert list(reader.read_to) == [SECOND]


def test_segments_that_are_gone_are_forgotten(folder: Path) -> None:
    reader = SpoolReader(folder, {FIRST: 100})
    assert reader.removable(NOW) == [FIRST]
    reader.remove([FIRST])
    put(folder, FIRST, as_line(event(1)))
    assert read(reader)[1] == [1]


def test_many_lines_of_one_call(folder: Path) -> None:
    write_spool(folder, CallEvents(1).completed(end=70))
    assert segment_of(CallEvents(1).bye(70)) == SECOND
    lines = SpoolReader(folder, {}).read(NOW).lines
    assert [line.event for line in lines] == CallEvents(1).completed(end=70)
