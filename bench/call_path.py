"""CPU of Kamailio for one digest call, our edge over the bare baseline; both in turn, several times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.edge import Edge, baseline, caller, write_routing
from bench.engines import cpu_seconds, free_ports, process_tree
from bench.sipp import carrier, place_calls, write_callers

AT_MOST = 1.4


@dataclass(frozen=True, slots=True)
class Figures:
    baseline_us: list[float]
    """CPU per call, one figure per round."""
    edge_us: list[float]

    @property
    def ratio(self) -> float:
        return median(self.edge_us) / median(self.baseline_us)


def measure_side(folder: Path, pid: int, port: int, callers: Path, calls: int, rate: int) -> float:
    """Microseconds of CPU per call."""
    pids = process_tree(pid)
    before = cpu_seconds(pids)
    outcome = place_calls(folder, port, callers, calls=calls, rate=rate)
    used = cpu_seconds(pids) - before
    return used / outcome.calls * 1e6  # SIPp may place one more than it was told


def measure(folder: Path, *, calls: int = 6000, rounds: int = 3, rate: int = 500) -> Figures:
    """`calls` for each side in all."""
    carrier_port, baseline_port = free_ports(2)
    edge = Edge(folder / "home")
    write_routing(edge.settings.routing_db, carrier_port)
    callers = write_callers(folder / "callers.csv", [caller(0)])
    figures = Figures([], [])
    with carrier(folder, carrier_port), baseline(folder, baseline_port, carrier_port) as bare, edge.up() as ours:
        for port in (baseline_port, edge.port):
            place_calls(folder, port, callers, calls=200, rate=rate)
        for _ in range(rounds):
            figures.baseline_us.append(measure_side(folder, bare, baseline_port, callers, calls // rounds, rate))
            figures.edge_us.append(measure_side(folder, ours, edge.port, callers, calls // rounds, rate))
    return figures
