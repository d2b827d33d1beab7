"""The stream of log lines: whole lines from many writers, and files that do not grow for ever."""

import errno
import json
import os
import subprocess
import sys

from trunkline.node import log_stream
from trunkline.node.log_stream import LogStream, rotate

WRITER = """
import sys
from pathlib import Path
from trunkline.node.log_stream import LogStream
stream = LogStream(Path(sys.argv[1]), largest=int(sys.argv[3]))
for number in range(2000):
    stream.write('{"writer": "%s", "number": %d}' % (sys.argv[2], number))
"""


def test_many_writers_never_mix_their_lines(tmp_path):
    path = tmp_path / "log.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(10**9)]) for name in ("a", "b", "c")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 6000
    for name in ("a", "b", "c"):
        assert [line["number"] for line in lines if line["writer"] == name] == list(range(2000))


def test_a_full_file_is_moved_on(tmp_path, monkeypatch):
    monkeypatch.setattr(log_stream, "LOOK_EVERY", 0.0)
    path = tmp_path / "log.jsonl"
    one, other = LogStream(path, largest=100), LogStream(path, largest=100)
    for number in range(10):
        one.write(f"{number:040}")
        other.write(f"{number:040}")
    one.close()
    other.close()
    names = sorted(found.name for found in tmp_path.iterdir())
    assert names == ["log.jsonl", *(f"log.jsonl.{number}" for number in range(1, 5))]
    assert all(found.stat().st_size <= 200 for found in tmp_path.iterdir())
    assert path.read_text().endswith(f"{9:040}\n")


def test_a_removed_file_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(log_stream, "LOOK_EVERY", 0.0)
    path = tmp_path / "log.jsonl"
    stream = LogStream(path)
    stream.write("before")
    path.unlink()
    stream.write("after")
    assert path.read_text() == "after\n"


def test_rotation_keeps_as_many_as_asked(tmp_path):
    path = tmp_path / "log"
    for number in range(6):
        path.write_text(str(number))
        rotate(path, kept=2)
    assert {found.name: found.read_text() for found in tmp_path.iterdir()} == {"log.1": "5", "log.2": "4"}


def test_a_disk_that_is_full_loses_lines_and_nothing_else(tmp_path, monkeypatch):
    """Neither the program nor the lock that the other keepers wait for, and the next line is whole again."""
    monkeypatch.setattr(log_stream, "LOOK_EVERY", 0.0)
    path = tmp_path / "log.jsonl"
    one, other = LogStream(path, largest=100), LogStream(path, largest=100)
    one.write("x" * 120)
    with monkeypatch.context() as full:
        full.setattr(LogStream, "_open", staticmethod(_no_space))
        one.write("lost")
        one.write("lost")
    other.write("second")
    real = os.write
    with monkeypatch.context() as nearly_full:
        nearly_full.setattr(os, "write", lambda file, data: real(file, data[:3]))
        other.write("third")
    other.write("fourth")
    one.write("fifth")
    one.close()
    other.close()
    assert path.read_text().splitlines() == ["second", "thi", "fourth", "fifth"]


def _no_space(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
