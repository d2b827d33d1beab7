"""300 calls a second on one node with everything on: no failed call, no record missing, memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.engines import free_ports
from bench.node import node
from bench.sipp import carrier, place_calls, write_callers

RATE = 300
WARM, ALL = 10_000, 100_000
GROWTH_AT_MOST = 0.02
"""Of the memory after the first 10,000 calls: what the allocators' rounding may be."""
WATCHED = ("kamailio", "rtpengine", "recorder")


@dataclass(frozen=True, slots=True)
class Figures:
    calls: int
    seconds: float
    """That they were offered in."""
    retransmissions: int
    memory_mib: dict[str, tuple[float, float]]
    """After the first 10,000 calls, and after all."""


def measure(folder: Path, *, warm: int = WARM, all_calls: int = ALL, rate: int = RATE) -> Figures:
    """Raises BenchError when a call fails or a record is missing."""
    (carrier_port,) = free_ports(1)
    with carrier(folder, carrier_port), node(folder, carrier_port) as ours:
        callers = write_callers(folder / "callers.csv", [ours.caller])
        first = place_calls(folder, ours.settings.sip_port, callers, calls=warm, rate=rate)
        ours.wait_for_records(first.calls)
        before = {name: ours.memory_mib(name) for name in WATCHED}
        rest = place_calls(folder, ours.settings.sip_port, callers, calls=all_calls - warm, rate=rate)
        ours.wait_for_records(first.calls + rest.calls)
        after = {name: ours.memory_mib(name) for name in WATCHED}
    calls = first.calls + rest.calls
    return Figures(
        calls,
        calls / rate,
        first.retransmissions + rest.retransmissions,
        {name: (before[name], after[name]) for name in WATCHED},
    )
