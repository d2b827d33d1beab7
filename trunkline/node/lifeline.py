"""What ties the processes of a node together, so that none outlives it: Linux process control, prctl(2) and proc(5).

Three nets, one under the other:
1. every process dies with its parent (PR_SET_PDEATHSIG);
2. a keeper adopts what its program leaves behind (PR_SET_CHILD_SUBREAPER) and ends all its descendants;
3. every program carries a mark in its environment, by which the next start finds what escaped both (a keeper and its
   program killed with -9 in one moment).
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MARK = "TRUNKLINE_PROGRAM"
"""Environment variable with the mark: `<home>#<program>`."""

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with_parent(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel for `how` when the parent's thread ends; at once when `parent` is gone already."""
    _prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def adopt_orphans() -> None:
    """Orphaned descendants become our children instead of init's."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def parents() -> dict[int, int]:
    """Parent of every process that proc(5) shows, without zombies."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_bytes()
            except OSError:
                continue  # it ended while we looked
            # The name in parentheses may hold anything, parentheses too: fields start after the last one.
            state, parent = stat[stat.rindex(b")") + 2 :].split(None, 2)[:2]
            if state != b"Z":
                found[int(entry)] = int(parent)
    return found


def descendants(ancestor: int) -> list[int]:
    """Every living process below `ancestor`, children before their own children."""
    children: dict[int, list[int]] = {}
    for process, parent in parents().items():
        children.setdefault(parent, []).append(process)
    found: list[int] = []
    waiting = list(children.get(ancestor, ()))
    while waiting:
        process = waiting.pop(0)
        found.append(process)
        waiting.extend(children.get(process, ()))
    return found


def marked(mark: str) -> list[int]:
    """Processes of ours that were started with this mark, or with one below it when `mark` ends with `#`."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                environment = Path("/proc", entry, "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # ended, or somebody else's
            if any(line == wanted or (mark.endswith("#") and line.startswith(wanted)) for line in environment):
                found.append(int(entry))
    return found


def kill_all(processes: list[int]) -> None:
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def kill_descendants(ancestor: int, within: float = 2.0) -> list[int]:
    """End every descendant with SIGKILL, until none is left or `within` seconds have passed; returns who is left."""
    deadline = time.monotonic() + within
    while left := descendants(ancestor):
        kill_all(left)
        reap()
        if time.monotonic() > deadline:
            return left
        time.sleep(0.01)
    return []


def kill_marked(mark: str, spare: set[int], within: float = 2.0) -> list[int]:
    """The same for every process with the mark; returns those that were found first."""
    first = [process for process in marked(mark) if process not in spare]
    deadline = time.monotonic() + within
    left = first
    while left and time.monotonic() < deadline:
        kill_all(left)
        reap()
        time.sleep(0.01)
        left = [process for process in marked(mark) if process not in spare]
    return first


def reap() -> dict[int, int]:
    """Collect ended children without waiting: their ids and wait statuses."""
    ended: dict[int, int] = {}
    try:
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return ended
            ended[process] = status
    except ChildProcessError:
        return ended
