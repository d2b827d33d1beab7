"""Time that one INVITE with credentials takes in the Python of a running SIP worker, with 100 trunks and with 100,000
trunks and 1,000,000 numbers: from Kamailio's question to the answer (facts read, decided, counted, recorded).

Each call comes from a trunk drawn at random, and nothing is remembered of the calls before, as in a worker that meets
every customer for the first time after a change. Both sides in turn. Kamailio loads a script of ours that is the real
one with a clock around `on_invite`.
"""

from __future__ import annotations

import random
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.edge import Edge, caller, write_routing
from bench.engines import free_ports
from bench.sipp import carrier, place_calls, write_callers
from trunkline.engines.kamailio import config

SIZES = ((100, 100), (100_000, 1_000_000))
P99_AT_MOST_US = 1000
RATIO_AT_MOST = 1.3
RATE = 200
ROUNDS = 4
_TIMED = struct.Struct("<dd")

_SCRIPT = """
import os, struct, time
from trunkline.engines.kamailio import script

_file = os.open({times!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_pack = struct.Struct("<dd").pack


class Timed(script.Edge):
    def on_invite(self, message):
        if self._routing is not None:
            self._routing.forget()
        clock, cpu = time.perf_counter(), time.thread_time()
        answer = super().on_invite(message)
        cpu, clock = time.thread_time() - cpu, time.perf_counter() - clock
        if answer == 1:  # relayed: its credentials were good
            os.write(_file, _pack(clock, cpu))
        return answer


def mod_init():
    script.Edge = Timed
    return script.mod_init()
"""


@dataclass(frozen=True, slots=True)
class Times:
    trunks: int
    numbers: int
    calls: int
    median_us: float
    p99_us: float
    """On the clock: what the worker had to wait for a processor is in it."""
    median_cpu_us: float
    p99_cpu_us: float


def measure(folder: Path, *, calls: int = 4000) -> list[Times]:
    """`calls` for each side in all."""
    (carrier_port,) = free_ports(1)
    dice = random.Random(1)
    sides = []
    with ExitStack() as stack:
        stack.enter_context(carrier(folder, carrier_port))
        for trunks, numbers in SIZES:
            home = folder / f"of-{trunks}"
            edge = _TimedEdge(home, home / "times")
            write_routing(edge.settings.routing_db, carrier_port, trunks=trunks, numbers=numbers)
            stack.enter_context(edge.up())
            sides.append((trunks, numbers, edge))
        for turn in range(ROUNDS + 1):
            for trunks, _, edge in sides:
                if turn == 1:  # the first round was the warming-up
                    edge.times.write_bytes(b"")
                drawn = [caller(dice.randrange(trunks)) for _ in range(calls // ROUNDS)]
                callers = write_callers(edge.settings.home / "callers.csv", drawn)
                place_calls(folder, edge.port, callers, calls=len(drawn), rate=RATE)
    return [_times(trunks, numbers, edge.times) for trunks, numbers, edge in sides]


class _TimedEdge(Edge):
    """Its Kamailio loads the script with the clock."""

    def __init__(self, folder: Path, times: Path) -> None:
        super().__init__(folder)
        self.times = times
        self._script = folder / "timed_script.py"
        self._script.write_text(_SCRIPT.format(times=str(times)))

    def prepared(self, argv: list[str]) -> list[str]:
        written = Path(argv[argv.index("-f") + 1])
        real = str(config.HERE / "script.py")
        text = written.read_text()
        assert real in text
        written.write_text(text.replace(real, str(self._script)))
        return argv


def _times(trunks: int, numbers: int, path: Path) -> Times:
    pairs = list(_TIMED.iter_unpack(path.read_bytes()))
    clock, cpu = (sorted(column) for column in zip(*pairs, strict=True))
    at = len(pairs) * 99 // 100
    return Times(
        trunks,
        numbers,
        len(pairs),
        clock[len(clock) // 2] * 1e6,
        clock[at] * 1e6,
        cpu[len(cpu) // 2] * 1e6,
        cpu[at] * 1e6,
    )
