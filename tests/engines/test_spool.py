from __future__ import annotations

import json
import os
import tracemalloc
from multiprocessing import get_context
from pathlib import Path

import pytest

from trunkline.engines.kamailio import spool as spool_module
from trunkline.engines.kamailio.spool import Spool

NOON = 1_800_000_000.0


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]


def test_a_segment_a_minute(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for n in range(3):
        assert spool.append(json.dumps({"n": n}), NOON + 60 * n)
    assert [file.name for file in sorted(tmp_path.iterdir())] == [
        f"events-{int(NOON) // 60 + n}.jsonl" for n in range(3)
    ]
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600] * 3


def _write_many(spool: Spool, mark: int) -> None:
    for n in range(500):
        spool.append(json.dumps({"mark": mark, "n": n, "text": "x" * (n % 300)}), NOON)


def test_processes_that_append_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append('{"mark": "parent"}', NOON)  # opened before the fork, as in Kamailio
    workers = [get_context("fork").Process(target=_write_many, args=(spool, mark)) for mark in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    written = lines(tmp_path)
    assert len(written) == 1 + 4 * 500
    for mark in range(4):
        assert [event["n"] for event in written if event["mark"] == mark] == list(range(500))


def test_a_disk_that_refuses_makes_events_wait(tmp_path: Path) -> None:
    folder = tmp_path / "not there"
    spool = Spool(folder, lambda now: json.dumps({"e": "alert", "at": now}))
    for n in range(3):
        assert spool.append(json.dumps({"n": n}), NOON + n / 10)
    assert (spool.waiting, spool.lost) == (4, 0)
    folder.mkdir()
    assert spool.append('{"n": 3}', NOON + 0.5)
    assert spool.waiting == 5  # not tried at every event
    assert spool.append('{"n": 4}', NOON + 1.1)
    assert spool.waiting == 0
    assert lines(folder) == [{"e": "alert", "at": NOON}, *({"n": n} for n in range(5))]


def test_what_waits_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MOST_WAITING", 3)
    spool = Spool(tmp_path / "not there")
    assert [spool.append(json.dumps({"n": n}), NOON) for n in range(5)] == [True] * 3 + [False] * 2
    assert spool.lost == 2
    monkeypatch.setattr(spool_module, "MOST_WAITING", 100)
    monkeypatch.setattr(spool_module, "MOST_BYTES", 50)
    assert not spool.append("x" * 60, NOON)
    spool.forget_waiting()
    assert spool.waiting == 0


def test_the_bound_that_is_documented_holds_for_memory(tmp_path: Path) -> None:
    """docs/operations.md: up to 20,000 events or 8 MB in each process. What does not fit is counted and not kept."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert f"up to {spool_module.MOST_WAITING:,} of them or {spool_module.MOST_BYTES >> 20} MB" in text
    for size, kept in ((100, spool_module.MOST_WAITING), (1000, spool_module.MOST_BYTES // 1000)):
        spool = Spool(tmp_path / "not there")
        tracemalloc.start()
        taken = sum(spool.append(f"{n:0{size}}", NOON) for n in range(30_000))
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (taken, spool.waiting, spool.lost) == (kept, kept, 30_000 - kept)
        assert grown < 2 * spool_module.MOST_BYTES


def test_a_disk_that_becomes_full_at_run_time(tmp_path: Path) -> None:
    """/dev/full says ENOSPC; the segment is opened anew once it can be written."""
    (tmp_path / f"events-{int(NOON) // 60}.jsonl").symlink_to("/dev/full")
    spool = Spool(tmp_path)
    assert spool.append('{"n": 0}', NOON)
    assert spool.waiting == 1
    (tmp_path / f"events-{int(NOON) // 60}.jsonl").unlink()
    assert spool.append('{"n": 1}', NOON + 2)
    assert (spool.waiting, lines(tmp_path)) == (0, [{"n": 0}, {"n": 1}])


def test_half_a_line_is_written_again_on_a_line_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    real = os.write
    spool.append('{"n": 0}', NOON)
    os.write = lambda descriptor, data: real(descriptor, data[:4])  # type: ignore[assignment]  # a disk that is nearly full
    try:
        assert spool.append('{"n": 1}', NOON)
    finally:
        os.write = real
    assert spool.append('{"n": 2}', NOON + 2)
    (file,) = tmp_path.iterdir()
    assert file.read_text().splitlines() == ['{"n": 0}', '{"n"', '{"n": 1}', '{"n": 2}']
    assert spool.lost == 0
