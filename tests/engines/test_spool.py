from __future__ import annotations

import json
import os
from multiprocessing import get_context
from pathlib import Path

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


def test_a_disk_that_refuses_loses_the_event_and_not_the_call(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "not there")
    assert not spool.append("{}", NOON)
    assert spool.lost == 1
    (tmp_path / "not there").mkdir()
    assert spool.append("{}", NOON)
    assert spool.lost == 1


def test_the_event_after_half_a_line_starts_on_a_line_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    real = os.write
    spool.append('{"n": 0}', NOON)
    os.write = lambda descriptor, data: real(descriptor, data[:4])  # type: ignore[assignment]  # a disk that is nearly full
    try:
        assert not spool.append('{"n": 1}', NOON)
    finally:
        os.write = real
    assert spool.append('{"n": 2}', NOON)
    (file,) = tmp_path.iterdir()
    assert file.read_text().splitlines() == ['{"n": 0}', '{"n"', '{"n": 2}']
    assert spool.lost == 1
