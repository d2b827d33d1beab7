"""CPU of the whole node for one digest call in full service (media anchored, records stored), over the bare baseline.

Both in turn, several times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.call_path import measure_side
from bench.edge import baseline, caller
from bench.engines import free_ports
from bench.node import Node, node
from bench.sipp import carrier, place_calls, write_callers

AT_MOST = 4.5
COUNTED = ("kamailio", "rtpengine", "recorder")


@dataclass(frozen=True, slots=True)
class Figures:
    baseline_us: list[float] = field(default_factory=list)
    """CPU per call, one figure per round."""
    program_us: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COUNTED})

    @property
    def node_us(self) -> float:
        return sum(median(figures) for figures in self.program_us.values())

    @property
    def ratio(self) -> float:
        return self.node_us / median(self.baseline_us)


def measure(folder: Path, *, calls: int = 6000, rounds: int = 3, rate: int = 300) -> Figures:
    """`calls` for each side in all."""
    carrier_port, baseline_port = free_ports(2)
    bare_callers = write_callers(folder / "bare.csv", [caller(0)])
    figures = Figures()
    with (
        carrier(folder, carrier_port),
        baseline(folder, baseline_port, carrier_port) as bare,
        node(folder, carrier_port) as ours,
    ):
        callers = write_callers(folder / "node.csv", [ours.caller])
        stored = place_calls(folder, ours.settings.sip_port, callers, calls=200, rate=rate).calls
        place_calls(folder, baseline_port, bare_callers, calls=200, rate=rate)
        for _ in range(rounds):
            figures.baseline_us.append(measure_side(folder, bare, baseline_port, bare_callers, calls // rounds, rate))
            stored = _round(folder, ours, callers, calls // rounds, rate, stored, figures)
    return figures


def _round(folder: Path, ours: Node, callers: Path, calls: int, rate: int, stored: int, figures: Figures) -> int:
    ours.wait_for_records(stored)
    before = {name: ours.cpu(name) for name in COUNTED}
    placed = place_calls(folder, ours.settings.sip_port, callers, calls=calls, rate=rate).calls
    ours.wait_for_records(stored + placed)
    for name in COUNTED:
        figures.program_us[name].append((ours.cpu(name) - before[name]) / placed * 1e6)
    return stored + placed
