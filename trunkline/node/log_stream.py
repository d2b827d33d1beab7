"""The node's one stream of log lines: a file that every keeper appends to, or stdout."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path

LARGEST = 32 * 1024 * 1024
"""Bytes; then the file becomes `.1`, `.1` becomes `.2`, and so on."""
KEPT = 4
LOOK_EVERY = 1.0
"""Seconds between two looks whether the file still has its name."""


class LogStream:
    """Each line is one `write()` to a file opened with O_APPEND, so lines of many programs never mix (write(2))."""

    def __init__(self, path: Path | None, largest: int = LARGEST) -> None:
        self.path = path
        self.largest = largest
        self._look_again = 0.0
        self._torn = False
        """A disk that is nearly full took half a line: the next one begins on a line of its own."""
        self._file = sys.stdout.fileno() if path is None else self._open(path)

    def write(self, line: str) -> None:
        """One line, without its end. A full disk loses the line, never the program."""
        data = (b"\n" if self._torn else b"") + line.encode() + b"\n"
        try:
            if self.path is not None:
                self._follow(self.path)
            self._torn = os.write(self._file, data) != len(data)
        except OSError:
            return

    def close(self) -> None:
        if self.path is not None:
            os.close(self._file)

    @staticmethod
    def _open(path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _follow(self, path: Path) -> None:
        """Another keeper may have moved the file on; or it is our turn to."""
        full = os.fstat(self._file).st_size >= self.largest
        if not full and time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + LOOK_EVERY
        if full:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            # Whoever waited for the lock finds another file under the name, and leaves it alone.
            if full and self._is_current(path):
                rotate(path)
            if not self._is_current(path):
                new = self._open(path)  # where a full disk refuses it, the old file stays ours
                os.close(self._file)
                self._file = new
        finally:
            if full:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _is_current(self, path: Path) -> bool:
        try:
            return os.path.samestat(path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False


def rotate(path: Path, kept: int = KEPT) -> None:
    """`path` → `path.1` → … → `path.<kept>`; the oldest goes."""
    for number in range(kept, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        try:
            newer.replace(older)
        except FileNotFoundError:
            continue
