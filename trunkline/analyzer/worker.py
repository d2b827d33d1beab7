"""An analysis in a process of its own, with limits: what a service does with a file that a stranger sent.

    document = analyze_in_worker(upload, Options(provider="twilio"), seconds=30, memory_mb=1024)

The process has no more memory, processor time and file size than it is given, starts no program and speaks to nobody.
Whatever happens to it, the caller gets the JSON document (docs/analyzer.md) or an `AnalysisFailed`.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Literal

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.trace import Options

Reason = Literal["too_big", "took_too_long", "unreadable", "failed"]
Document = dict[str, Any]

SERVICE_LIMITS = Limits(
    file_bytes=256 << 20,
    unpacked_bytes=512 << 20,
    packets=5_000_000,
    messages=100_000,
    streams=20_000,
    tcp_flows=50_000,
)
"""Of an upload: what fits into the default memory and time."""
MOST_ANSWER = 256 << 20
"""Bytes of the JSON document, and of a temporary file that something is unpacked to, at least."""
_GRACE = 5
"""Seconds to start and to end in, beside those of the analysis."""
_FORBIDDEN = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
        "subprocess.Popen",
    }
)


class AnalysisFailed(Exception):
    """There is no document. `reason` is for programs; the text is one line for people."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def analyze_in_worker(
    data_or_path: bytes | str | os.PathLike[str],
    options: Options | None = None,
    limits: Limits | None = None,
    *,
    name: str = "",
    seconds: float = 30,
    memory_mb: int = 1024,
) -> Document:
    """The report as the values of its JSON (`json_report.document`).

    `name`: how the input is called in the report, instead of its path. `seconds`: of processor time, and, with some
    seconds to start in, of real time. `memory_mb`: address space beside the input itself.

    Raises AnalysisFailed.
    """
    with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer:
        pickle.dump((options or Options(), limits or SERVICE_LIMITS, name, seconds, memory_mb), order)
        if isinstance(data_or_path, bytes):
            pickle.dump(None, order)
            order.write(data_or_path)
        else:
            pickle.dump(str(Path(data_or_path).absolute()), order)
        order.seek(0)
        status = _run(order, answer, seconds)
        answer.seek(0)
        return _result(answer.read(), status, seconds)


def _run(order: IO[bytes], answer: IO[bytes], seconds: float) -> int:
    """Exit status of the process, negative for a signal. It is gone afterwards."""
    root = Path(__file__).parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    # numpy's threads would take address space, and there is nothing for them to do
    environment = {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    for kept in ("PATH", "TMPDIR", "PYTHONDONTWRITEBYTECODE"):
        if kept in os.environ:
            environment[kept] = os.environ[kept]
    command = [sys.executable, "-P", "-m", "trunkline.analyzer.worker"]
    with subprocess.Popen(
        command,
        stdin=order,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    ) as process:
        try:
            return process.wait(seconds + _GRACE)
        except subprocess.TimeoutExpired:
            raise _too_long(seconds) from None
        finally:
            process.kill()


def _result(answer: bytes, status: int, seconds: float) -> Document:
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        raise _too_long(seconds)
    try:
        said = json.loads(answer)
    except ValueError:
        raise AnalysisFailed("failed", f"the analysis ended without a result (status {status})") from None
    if "failed" in said:
        raise AnalysisFailed(said["failed"], said["message"])
    document: Document = said["document"]
    return document


def _too_long(seconds: float) -> AnalysisFailed:
    text = f"the analysis took longer than {seconds:g} s: send a shorter part of the capture, such as one call"
    return AnalysisFailed("took_too_long", text)


def main() -> int:
    """The process itself: order from standard input, JSON to standard output."""
    source = sys.stdin.buffer
    options, limits, name, seconds, memory_mb = pickle.load(source)  # noqa: S301  our parent wrote it
    path = pickle.load(source)  # noqa: S301
    data: bytes | Path = source.read() if path is None else Path(path)
    _confine(seconds, memory_mb, len(data) if isinstance(data, bytes) else _size(data))
    sys.stdout.write(json.dumps(_answer(data, name, options, limits, memory_mb)))
    return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # the reader says what is wrong with it


def _confine(seconds: float, memory_mb: int, input_bytes: int) -> None:
    """No more than this, from here on, and no way back."""
    processor = max(1, int(seconds))
    space = (memory_mb << 20) + input_bytes
    for kind, soft, hard in (
        (resource.RLIMIT_AS, space, space),
        (resource.RLIMIT_CPU, processor, processor + 2),
        (resource.RLIMIT_FSIZE, max(MOST_ANSWER, memory_mb << 20), max(MOST_ANSWER, memory_mb << 20)),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, most = resource.getrlimit(kind)
        allowed = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(kind, (min(soft, allowed), allowed))
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"an analysis may not do this: {event}")


def _answer(data: bytes | Path, name: str, options: Options, limits: Limits, memory_mb: int) -> Document:
    """`document`, or `failed` and `message`."""
    from trunkline.analyzer.analysis import analyze
    from trunkline.analyzer.profiles.profile import ProfileInvalid
    from trunkline.analyzer.read.unreadable import UnreadableInput
    from trunkline.analyzer.report.json_report import document

    shown = name or (str(data) if isinstance(data, Path) else "upload")
    try:
        return {"document": document(analyze([(shown, data)], options, limits))}
    except (UnreadableInput, ProfileInvalid) as problem:
        return {"failed": "unreadable", "message": str(problem)}
    except MemoryError:
        text = f"the analysis needs more than {memory_mb} MB of memory: send a shorter part of the capture"
        return {"failed": "too_big", "message": text}
    except OSError as problem:
        return {"failed": "unreadable", "message": f"{shown}: {problem.strerror or problem}"}
    except Exception as problem:  # noqa: BLE001  whatever it is, the caller is told, and that it is our fault
        return {
            "failed": "failed",
            "message": f"the analysis failed ({type(problem).__name__}); this is a fault of ours",
        }


if __name__ == "__main__":
    sys.exit(main())
