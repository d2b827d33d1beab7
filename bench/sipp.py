"""SIPp as the PBX and as the carrier (Debian's sip-tester, which knows MD5 digest)."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.engines import HOST, BenchError, free_ports, running, udp_taken, wait_until

SCENARIOS = Path(__file__).parent / "scenarios"
CALLED = "+15550199999"
BUFFERS = ("-buff_size", str(2 << 20))
"""What waits in SIPp's sockets while the machine is busy elsewhere is not lost."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One line of the caller scenario's input."""

    caller_id: str
    username: str
    password: str
    trunk_host: str


@dataclass(frozen=True, slots=True)
class Outcome:
    calls: int
    failed: int
    retransmissions: int


def _why(errors: Path) -> list[str]:
    """The lines that say why calls failed, without those of repeated messages to calls that had gone well."""
    entries = errors.read_text(errors="replace").split("\n\n")
    heads = [entry.strip().splitlines()[0] for entry in entries if entry.strip()]
    return [head for head in heads if "Dead call" not in head and head[:2] == "20"]


def write_callers(path: Path, callers: Sequence[Caller]) -> Path:
    lines = [
        "SEQUENTIAL",
        *(
            f"{c.caller_id};[authentication username={c.username} password={c.password}];{c.trunk_host};"
            for c in callers
        ),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def carrier(folder: Path, port: int) -> Iterator[None]:
    """A carrier on this port that answers every call."""
    media = free_ports(1)[0]
    argv = [
        "sipp",
        "-sf",
        str(SCENARIOS / "callee.xml"),
        "-i",
        HOST,
        "-p",
        str(port),
        "-nostdin",
        "-mp",
        str(media),
        *BUFFERS,
    ]
    with running(argv, folder / "carrier.log"):
        wait_until(lambda: udp_taken(port), "SIPp as the carrier")
        yield


def place_calls(
    folder: Path,
    port: int,
    callers: Path,
    *,
    calls: int,
    rate: int,
    hold_ms: int = 0,
    at_most: int = 4000,
    may_fail: bool = False,
) -> Outcome:
    """Digest calls to the edge on this port; returns when all are over. Raises BenchError when one fails, unless it
    may.
    """
    own, media = free_ports(2)
    statistics = folder / f"sipp-{own}.csv"
    argv = [
        "sipp",
        "-sf",
        str(SCENARIOS / "caller.xml"),
        "-inf",
        str(callers),
        "-s",
        CALLED,
        "-i",
        HOST,
        "-p",
        str(own),
        "-mp",
        str(media),
        f"{HOST}:{port}",
        "-r",
        str(rate),
        "-m",
        str(calls),
        "-l",
        str(at_most),
        "-d",
        str(hold_ms),
        "-nostdin",
        *BUFFERS,
        "-trace_stat",
        "-stf",
        str(statistics),
        "-fd",
        "3600",
        "-trace_err",
        "-error_file",
        str(folder / "caller-errors.log"),
        "-timeout",
        f"{60 + 3 * calls // rate}s",
    ]
    try:
        with (folder / "caller.log").open("wb") as log:
            subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=90 + 3 * calls / rate
            )
        with statistics.open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
    except (OSError, IndexError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"SIPp did not do its calls: {error}") from None
    outcome = Outcome(int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), int(last["Retransmissions(C)"]))
    statistics.unlink()
    if outcome.failed and not may_fail:
        errors = _why(folder / "caller-errors.log")
        raise BenchError(f"{outcome.failed} of {calls} calls failed; SIPp says: {' | '.join(errors[:12])}")
    return outcome
