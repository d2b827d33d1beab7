"""Processes under test: start them, stop them, and read what they have used."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"


class BenchError(Exception):
    """The figures would mean nothing: something did not start, or calls failed. The text says what."""


_candidates = itertools.count(20000 + os.getpid() % 5000)


def free_ports(count: int) -> list[int]:
    """Ports that are free for UDP and TCP now, below those that the kernel hands out by itself; none is given twice."""
    found: list[int] = []
    while len(found) < count:
        port = next(_candidates)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((HOST, port))
        except OSError:
            continue
        found.append(port)
    return found


def process_tree(pid: int) -> list[int]:
    """The process and all its descendants that live now."""
    pids = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += process_tree(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return pids


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time, user and system, of all threads of these processes, to the nanosecond."""
    # clock_getcpuclockid(3): the process clock of a pid is its complement, shifted, and 2 (CPUCLOCK_SCHED).
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def memory_kib(pid: int, *fields: str) -> int:
    """Sum of these fields of /proc/PID/smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in fields)


def wait_until(ready: Callable[[], bool], what: str, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not ready():
        if time.monotonic() > deadline:
            raise BenchError(f"not within {within:.0f} s: {what}")
        time.sleep(0.05)


def udp_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


@contextmanager
def running(
    argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, ended with everything that it started when the block is left."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
            process_group=0,
        )
    try:
        yield process
    finally:
        tree = process_tree(process.pid)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in tree:
                _kill(pid)
            process.wait()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
