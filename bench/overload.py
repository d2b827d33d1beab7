"""300 calls a second, and for 10 s two programs that want both processors: what fails, and how soon it is over.

Calls that fail while the machine is too slow for what comes in are no fault. Those that fail when it is fast enough
again are: the work of repeated messages must not keep the edge busy (docs/decisions/0013-overload.md).
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.engines import free_ports
from bench.node import Node, node
from bench.sipp import carrier, place_calls, write_callers

RATE, CALLS = 300, 15_000
BEGINS, LASTS, OVER_AFTER = 10.0, 10.0, 15.0
"""Seconds: from the first call, of the load, and from its end until all is as before."""
LOAD = f"import time; end = time.time() + {LASTS}\nwhile time.time() < end: sum(range(10_000))"


@dataclass(frozen=True, slots=True)
class Figures:
    failed: int
    """Of all calls, by SIPp's account."""
    refused: int
    """Of these, with 503 for overload."""
    ended_wrongly: int
    """Answered calls that lost an ACK or a BYE."""
    late_failed: int
    """Of those that began when it should have been over: whatever was no good call."""


def measure(folder: Path) -> Figures:
    (carrier_port,) = free_ports(1)
    with carrier(folder, carrier_port), node(folder, carrier_port) as ours:
        callers = write_callers(folder / "callers.csv", [ours.caller])
        over: list[float] = []
        beside = threading.Thread(target=_load_machine, args=(over,))
        beside.start()
        outcome = place_calls(folder, ours.settings.sip_port, callers, calls=CALLS, rate=RATE, may_fail=True)
        beside.join()
        time.sleep(40)  # an answered call whose ACK was lost ends after 32 s
        return Figures(
            outcome.failed,
            _count(ours, "cause = 'OVERLOADED'"),
            _count(ours, "answered_us IS NOT NULL AND (status != 'completed' OR cause IS NOT NULL)"),
            _count(ours, f"started_us > {over[0] * 1e6:.0f} AND (status != 'completed' OR cause IS NOT NULL)"),
        )


def _load_machine(over: list[float]) -> None:
    time.sleep(BEGINS)
    programs = [subprocess.Popen([sys.executable, "-c", LOAD]) for _ in range(2)]
    for program in programs:
        program.wait(timeout=LASTS * 4)
    over.append(time.time() + OVER_AFTER)


def _count(ours: Node, condition: str) -> int:
    with sqlite3.connect(f"file:{ours.settings.home / 'trunkline.db'}?mode=ro", uri=True) as store:
        return int(store.execute("SELECT count(*) FROM calls WHERE " + condition).fetchone()[0])  # noqa: S608  ours
