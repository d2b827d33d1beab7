"""`make soak`: 50 calls a second for 30 minutes, and what of the node has grown: memory, descriptors, ports, dialogs,
media sessions, spool files. `--minutes` and `--rate` for less.

Prints a table, one row a minute, and a verdict. Exit status 1: a call failed, a record is missing, or something leaks.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.engines import BenchError, free_ports, memory_kib
from bench.node import Node, node
from bench.sipp import carrier, place_calls, write_callers
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.engines.rtpengine.ng import NgClient
from trunkline.settings import Ports

WATCHED = ("kamailio", "rtpengine", "recorder", "publisher", "api", "tls_front")
HOLD_MS = 2000
SETTLE = 8.0
"""Seconds after the last call until transactions, media and records of it are over."""
SETTLED_AFTER = 7
"""Minutes of a long run after which growth counts: until then what is kept for a time (digest answers, spool files,
rtpengine's answers by cookie) still fills up, and the allocators' lists. Of a shorter run: its first quarter."""
GROWTH_AT_MOST = 0.05
"""Of a program's memory, from the first settled minute to the last."""
FLOOR_MIB = 4.0
"""Growth below that is the allocators' rounding, whatever the share."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look found."""

    calls: int
    memory_mib: dict[str, float]
    descriptors: dict[str, int]
    udp_ports: int
    dialogs: int
    sessions: int
    spool_files: int


def look(ours: Node, calls: int) -> Sight:
    ports = Ports.read(ours.settings.ports_file)
    with NgClient(ports.ng) as media:
        sessions = len(media.calls(10_000))
    return Sight(
        calls,
        {name: _own_memory_mib(ours.trees[name]) for name in WATCHED},
        {name: sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in ours.trees[name]) for name in WATCHED},
        len(_udp_sockets(ours.trees["rtpengine"])),
        KamailioRpc(edge_socket(ours.settings)).active_calls(),
        sessions,
        len(list(ours.settings.spool_dir.glob("events-*.jsonl"))),
    )


def _own_memory_mib(pids: list[int]) -> float:
    """What the program itself has taken. Not its part of the libraries: that changes with who else runs them."""
    return sum(memory_kib(pid, "Pss_Anon", "Pss_Shmem") for pid in pids) / 1024


def _udp_sockets(pids: list[int]) -> list[str]:
    """Links of the processes' sockets: the media ports, and a few more that stay."""
    links = []
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            link = os.readlink(entry)
            if link.startswith("socket:"):
                links.append(link)
    return links


def soak(folder: Path, minutes: int, rate: int, say: Callable[[str], None]) -> list[Sight]:
    """A look before, and one after each minute's calls. Raises BenchError when a call fails or a record is missing."""
    (carrier_port,) = free_ports(1)
    with carrier(folder, carrier_port), node(folder, carrier_port) as ours:
        callers = write_callers(folder / "callers.csv", [ours.caller])
        done = place_calls(folder, ours.settings.sip_port, callers, calls=rate * 10, rate=rate, hold_ms=HOLD_MS).calls
        time.sleep(SETTLE)
        found = [look(ours, done)]
        say(HEAD)
        say(row(0, found[0]))
        for minute in range(1, minutes + 1):
            calls = max(1, round(rate * (60 - SETTLE)))
            done += place_calls(folder, ours.settings.sip_port, callers, calls=calls, rate=rate, hold_ms=HOLD_MS).calls
            ours.wait_for_records(done)
            time.sleep(SETTLE - HOLD_MS / 1000)
            found.append(look(ours, done))
            say(row(minute, found[-1]))
    return found


COUNTED = ("descriptors", "media sockets", "dialogs", "media sessions", "spool files")
COLUMNS = ("minute", "calls", *(f"{name} MiB" for name in WATCHED), *COUNTED)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def row(minute: int, sight: Sight) -> str:
    memory = " | ".join(f"{sight.memory_mib[name]:.1f}" for name in WATCHED)
    counts = (sum(sight.descriptors.values()), sight.udp_ports, sight.dialogs, sight.sessions, sight.spool_files)
    return f"| {minute} | {sight.calls} | {memory} | {' | '.join(map(str, counts))} |"


def leaks(found: list[Sight]) -> list[str]:
    """What has grown; nothing when all is well."""
    first, last = found[min(SETTLED_AFTER, max(1, len(found) // 4), len(found) - 1)], found[-1]
    told = []
    for name in WATCHED:
        before, after = first.memory_mib[name], last.memory_mib[name]
        if after - before > max(FLOOR_MIB, GROWTH_AT_MOST * before):
            told.append(f"memory of {name}: {before:.1f} to {after:.1f} MiB")
        # One connection more or less to the database or a peer is no leak.
        if last.descriptors[name] > first.descriptors[name] + 4:
            told.append(f"descriptors of {name}: {first.descriptors[name]} to {last.descriptors[name]}")
    if last.dialogs:
        told.append(f"{last.dialogs} dialogs are left")
    if last.sessions:
        told.append(f"{last.sessions} media sessions are left")
    if last.udp_ports > first.udp_ports + 4:
        told.append(f"sockets of rtpengine: {first.udp_ports} to {last.udp_ports}")
    if last.spool_files > 6:  # one a minute, and they stay for two to three minutes
        told.append(f"{last.spool_files} spool files")
    return told


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description="What leaks under load?")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=int, default=50, help="calls a second")
    options = parser.parse_args(arguments)

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="trunkline-soak-") as folder:
        try:
            found = soak(Path(folder), options.minutes, options.rate, say)
        except BenchError as problem:
            say(f"failed: {problem}")
            return 1
    told = leaks(found)
    say("Nothing leaks." if not told else "Leaks: " + "; ".join(told))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
