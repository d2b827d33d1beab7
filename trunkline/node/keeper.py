"""Keeps one program of a node: `python -m trunkline.node.keeper NAME -- ARGV…`, started by supervisord.

It turns what the program prints into lines of the node's structured stream, passes SIGTERM on, holds back a program
that dies again and again, and when the program ends leaves nothing of it behind: Kamailio's workers, for one, live on
after their main process was killed, and would keep its ports. Exit status: the program's.

Without `-- ARGV…` the command is looked up by NAME in the plan, a JSON file `{name: {"argv": […], "environment": {…}}}`
named by TRUNKLINE_PLAN. The stream goes to the file named by TRUNKLINE_LOG, or to stdout.

Imports stay few: one of these runs beside every program.
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

from trunkline.node import lifeline, log_line
from trunkline.node.log_stream import LogStream

PLAN = "TRUNKLINE_PLAN"
LOG = "TRUNKLINE_LOG"
STARTS = "TRUNKLINE_STARTS"
"""Folder in which a file of the program's name gets one line for each start: Unix seconds."""
OPEN_FILES = 65536
"""Soft limit of open files, as far as the hard limit allows: calls and TLS connections take many."""
QUICK_STARTS = 4
"""That many starts within `QUICK_WITHIN` seconds come at once; later ones wait 1, 2, 4 … `LONGEST_WAIT` seconds."""
QUICK_WITHIN = 60.0
LONGEST_WAIT = 30.0
READ_SIZE = 65536
_START = re.compile(r"\d+\.\d+")
LONGEST_LINE = 65536


class Keeper:
    def __init__(self, name: str, argv: list[str], environment: dict[str, str], stream: LogStream) -> None:
        self.name = name
        self.argv = argv
        self.environment = environment
        self.stream = stream
        self.parent = os.getppid()
        self._stop_asked = False
        self.child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Start the program, keep it until it ends, clean up; its exit status, 128 + signal when one killed it."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in a terminal is for `trunkline up` alone
        signal.signal(signal.SIGTERM, self._on_sigterm)
        lifeline.die_with_parent(self.parent, signal.SIGTERM)
        lifeline.adopt_orphans()
        mark = self.environment.get(lifeline.MARK)
        if mark and (left := lifeline.kill_marked(mark, spare={os.getpid(), self.parent})):
            self.say("warning", f"ended {len(left)} processes of an earlier start that had lost their keeper")
        self._wait_after_quick_deaths()
        if self.stop_asked():
            return 0
        try:
            return self._run_child()
        finally:
            self._clean_up()

    def stop_asked(self) -> bool:
        """Did a SIGTERM come? A method: the answer changes between two looks."""
        return self._stop_asked

    def say(self, level: str, message: str) -> None:
        self.stream.write(log_line.as_json(self.name, level, None, message, now=time.time()))

    def _run_child(self) -> int:
        keeper = os.getpid()
        read_end, write_end = os.pipe()

        def in_child() -> None:
            lifeline.die_with_parent(keeper)

        try:
            # A process group of its own: the terminal's signals do not reach the program.
            self.child = subprocess.Popen(
                self.argv,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                process_group=0,
                preexec_fn=in_child,  # noqa: PLW1509  one thread only, and it calls prctl and nothing else
            )
        except OSError as problem:
            self.say("error", f"cannot start {self.argv[0]}: {problem.strerror}")
            return 127
        finally:
            os.close(write_end)
        if self.stop_asked():  # it came between the fork and here
            self._pass_on()
        self.say("info", f"started, process {self.child.pid}")
        try:
            self._pump(read_end)
        finally:
            os.close(read_end)
        status = self.child.wait()
        if status < 0:
            self.say("error", f"killed by {signal.Signals(-status).name}")
            return 128 - status
        self.say("info" if status == 0 or self.stop_asked() else "error", f"ended with status {status}")
        return status

    def _pump(self, output: int) -> None:
        """Output → stream, until the main process has ended; what its workers may still print is not waited for."""
        assert self.child is not None
        child = os.pidfd_open(self.child.pid)
        rest = b""
        with selectors.DefaultSelector() as ready:
            ready.register(output, selectors.EVENT_READ)
            ready.register(child, selectors.EVENT_READ)
            os.set_blocking(output, False)
            running = True
            while running:
                names = {key.fileobj for key, _ in ready.select()}
                running = child not in names
                rest, open_still = self._read_all(output, rest)
                if not open_still and output in names:
                    ready.unregister(output)
        os.close(child)
        if rest:
            self._line(rest)

    def _read_all(self, output: int, rest: bytes) -> tuple[bytes, bool]:
        """All that is there now: what is left of an unfinished line, and whether there may be more."""
        while True:
            try:
                chunk = os.read(output, READ_SIZE)
            except BlockingIOError:
                return rest, True
            if not chunk:
                return rest, False
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            if len(rest) > LONGEST_LINE:
                self._line(rest)
                rest = b""

    def _line(self, raw: bytes) -> None:
        text = raw.decode("utf-8", "backslashreplace").rstrip("\r ")
        if text.strip():
            self.stream.write(log_line.structured(self.name, text, time.time()))

    def _on_sigterm(self, number: int, frame: object) -> None:
        del number, frame
        self._stop_asked = True
        if os.getppid() != self.parent:
            # Nobody supervises us any more: no time for manners.
            lifeline.kill_descendants(os.getpid())
            os._exit(128 + signal.SIGTERM)
        self._pass_on()

    def _pass_on(self) -> None:
        if self.child is not None and self.child.returncode is None:
            try:
                self.child.send_signal(signal.SIGTERM)
            except ProcessLookupError:
                pass

    def _clean_up(self) -> None:
        if left := lifeline.kill_descendants(os.getpid()):
            self.say("error", f"processes {left} cannot be ended")

    def _wait_after_quick_deaths(self) -> None:
        folder = os.environ.get(STARTS)
        if not folder:
            return
        times = note_start(Path(folder) / self.name, time.time())
        recent = [moment for moment in times if moment > times[-1] - QUICK_WITHIN]
        if len(recent) > QUICK_STARTS:
            wait = min(2.0 ** (len(recent) - QUICK_STARTS - 1), LONGEST_WAIT)
            self.say("warning", f"started {len(recent)} times within {QUICK_WITHIN:.0f} s: waiting {wait:.0f} s")
            deadline = time.monotonic() + wait
            while not self.stop_asked() and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, 0.2))


def note_start(path: Path, now: float) -> list[float]:
    """Add a start at `now` and return all of them, the oldest first. A full disk keeps no program from starting."""
    try:
        with path.open("a") as starts:
            starts.write(f"{now:.3f}\n")
    except OSError:
        return [*starts_of(path), now]
    return starts_of(path)


def starts_of(path: Path) -> list[float]:
    """When the program of this name was started since the node is up, Unix seconds; none when it never was."""
    try:
        lines = path.read_text().split()
    except FileNotFoundError:
        return []
    return [float(line) for line in lines if _START.fullmatch(line)]  # a full disk cuts a line short


def raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(arguments: list[str]) -> int:
    name, *rest = arguments
    environment = dict(os.environ)
    if rest[:1] == ["--"]:
        argv = rest[1:]
    else:
        program = json.loads(Path(environment[PLAN]).read_text())[name]
        argv = program["argv"]
        environment.update(program["environment"])
    for variable in (PLAN, LOG, STARTS):
        environment.pop(variable, None)
    raise_open_files()
    stream = LogStream(Path(os.environ[LOG])) if LOG in os.environ else LogStream(None)
    return Keeper(name, argv, environment, stream).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
