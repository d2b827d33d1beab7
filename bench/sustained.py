"""300 calls a second on one node with everything on: no failed call, no record missing, memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.engines import free_ports
from bench.node import node
from bench.sipp import carrier, place_calls, write_callers

RATE = 300
WARM, FULL, ALL = 10_000, 45_000, 100_000
"""Calls at which memory is read. FULL: 150 s at this rate, so that what is kept for a time (Kamailio: digest answers,
120 s; rtpengine: its own answers, up to 60 s) is as much as it will be."""
GROWTH_AT_MOST = 0.02
"""From FULL to ALL: what the allocators' rounding may be."""
WATCHED = ("kamailio", "rtpengine", "recorder")


@dataclass(frozen=True, slots=True)
class Figures:
    calls: int
    seconds: float
    """That they were offered in."""
    retransmissions: int
    memory_mib: dict[str, tuple[float, ...]]
    """After each of `marks` calls."""


def measure(folder: Path, *, marks: tuple[int, ...] = (WARM, FULL, ALL), rate: int = RATE) -> Figures:
    """Raises BenchError when a call fails or a record is missing."""
    (carrier_port,) = free_ports(1)
    with carrier(folder, carrier_port), node(folder, carrier_port) as ours:
        callers = write_callers(folder / "callers.csv", [ours.caller])
        calls = retransmissions = 0
        memory: dict[str, tuple[float, ...]] = dict.fromkeys(WATCHED, ())
        for mark in marks:
            placed = place_calls(folder, ours.settings.sip_port, callers, calls=mark - calls, rate=rate)
            calls += placed.calls
            retransmissions += placed.retransmissions
            ours.wait_for_records(calls)
            for name in WATCHED:
                memory[name] += (ours.memory_mib(name),)
    return Figures(calls, calls / rate, retransmissions, memory)
