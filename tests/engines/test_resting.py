"""Targets that rest: a file that several processes write and read."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from trunkline.engines.kamailio.resting import Resting, read

A, B = "CT" + "a" * 32, "CT" + "b" * 32


def test_every_worker_sees_it_until_it_is_over(tmp_path: Path):
    path = tmp_path / "resting.json"
    one, other = Resting(path), Resting(path)
    assert one.sids(100.0) == other.sids(100.0) == frozenset()
    one.begin(A, 130.0, 100.0)
    other.begin(B, 110.0, 100.0)
    for view in (one, other):
        assert view.sids(100.1) == {A, B}
        assert view.sids(100.2) is view.sids(100.3)
        assert view.sids(110.5) == {A}
        assert view.sids(130.5) == frozenset()
    assert read(path, 105.0) == {A: 130.0, B: 110.0}
    assert read(path, 120.0) == {A: 130.0}


def test_the_last_word_counts(tmp_path: Path):
    view = Resting(tmp_path / "resting.json")
    view.begin(A, 400.0, 100.0)
    view.begin(A, 105.0, 101.0)
    assert view.sids(102.0) == {A}
    assert view.sids(106.0) == frozenset()


def test_calls_of_one_moment_write_it_once(tmp_path: Path):
    path = tmp_path / "resting.json"
    view = Resting(path)
    view.begin(A, 130.0, 100.0)
    written = path.stat().st_ino, path.stat().st_mtime_ns
    for n in range(50):
        view.begin(A, 130.0 + n / 100, 100.0 + n / 100)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == written


def test_a_damaged_file_is_nobodys_word(tmp_path: Path):
    path = tmp_path / "resting.json"
    for text in ("", "[1, 2]", '{"CTa": "soon"}', "{", "null"):
        path.write_text(text)
        assert Resting(path).sids(1.0) == frozenset()
    view = Resting(path)
    view.begin(A, 30.0, 1.0)
    assert read(path, 2.0) == {A: 30.0}


def write_many(path: Path, worker: int) -> None:
    view = Resting(path)
    for n in range(20):
        view.begin(f"CT{worker:04d}{n:04d}", 1e9 + n, 1.0)


def test_workers_do_not_take_each_others_words_away(tmp_path: Path):
    path = tmp_path / "resting.json"
    workers = [multiprocessing.Process(target=write_many, args=(path, n)) for n in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
        assert one.exitcode == 0
    assert len(read(path, 2.0)) == 80
