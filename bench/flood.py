"""Calls beside a flood: 2,000 INVITEs a second without credentials, while 50 digest calls a second go through the node.

Three floods: from an address that may not be banned (the callers' own), from one stranger, and from many strangers of
whom each stays below the limit.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.engines import HOST, BenchError, free_ports
from bench.node import node
from bench.sipp import CALLED, SCENARIOS, carrier, place_calls, write_callers

FLOOD_RATE = 2000
CALL_RATE = 50
HOLD_MS = 2000
STRANGERS = 200
KINDS = ("no flood", "from an address that is never banned", "from one stranger", f"from {STRANGERS} strangers")


@dataclass(frozen=True, slots=True)
class Figures:
    flood: str
    calls: int
    retransmissions: int
    """Of the callers: a message that was lost or late."""
    cpu_percent: float
    """Of one core, for Kamailio."""


def measure(folder: Path, *, seconds: int = 20) -> Iterator[Figures]:
    """Raises BenchError when a call fails."""
    (carrier_port,) = free_ports(1)
    with carrier(folder, carrier_port), node(folder, carrier_port) as ours:
        callers = write_callers(folder / "callers.csv", [ours.caller])
        port = ours.settings.sip_port
        place_calls(folder, port, callers, calls=50, rate=CALL_RATE)
        for kind, name in enumerate(KINDS):
            with _flood(folder, kind, port, ours.caller.trunk_host, 2 * seconds + 30):
                before = ours.cpu("kamailio")
                outcome = place_calls(folder, port, callers, calls=CALL_RATE * seconds, rate=CALL_RATE, hold_ms=HOLD_MS)
                used = ours.cpu("kamailio") - before
            yield Figures(name, outcome.calls, outcome.retransmissions, 100 * used / (seconds + HOLD_MS / 1000))


@contextmanager
def _flood(folder: Path, kind: int, port: int, trunk_host: str, seconds: int) -> Iterator[None]:
    if kind == 0:
        yield
        return
    strangers = [f"127.78.{n // 250}.{n % 250 + 1}" for n in range(STRANGERS)]
    sources = {1: [HOST], 2: ["127.77.0.1"], 3: strangers}[kind]
    fields = folder / f"flood-{kind}.csv"
    fields.write_text("SEQUENTIAL\n" + "".join(f"{source};{trunk_host};\n" for source in sources))
    argv = ["sipp", "-sf", str(SCENARIOS / "flood.xml"), "-inf", str(fields), "-s", CALLED, "-nostdin"]
    argv += ["-r", str(FLOOD_RATE), "-m", str(FLOOD_RATE * seconds), f"{HOST}:{port}"]
    own, media, *_ = free_ports(10)  # SIPp takes some more behind its media port
    argv += ["-p", str(own), "-mp", str(media)]
    argv += ["-t", "ui", "-ip_field", "0", "-max_socket", "1000"] if len(sources) > 1 else ["-i", sources[0]]
    statistics = folder / f"flood-{kind}-statistics.csv"
    argv += ["-trace_stat", "-stf", str(statistics), "-fd", "1"]
    with (folder / f"flood-{kind}.log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
        if process.poll() is not None:
            raise BenchError(f"the flood ended early, see {log.name}")
        with statistics.open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        rate = float(last["CallRate(C)"])
        if rate < 0.95 * FLOOD_RATE:
            raise BenchError(f"SIPp sent {rate:.0f} INVITEs a second, not {FLOOD_RATE}")
    finally:
        process.kill()
        process.wait()
