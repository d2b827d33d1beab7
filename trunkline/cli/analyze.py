"""`trunkline analyze`: what is wrong in a capture or a log, and what to change."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from trunkline.cli.options import EXIT_FAILED, cannot

if TYPE_CHECKING:
    from trunkline.analyzer.analysis import Input, Progress
    from trunkline.analyzer.model.trace import Analysis, Options

PBX_NAMES = (
    "asterisk",
    "chan_sip",
    "freepbx",
    "freeswitch",
    "fusionpbx",
    "3cx",
    "kamailio",
    "opensips",
    "cube",
    "audiocodes",
)
"""As `trunkline.pbx.snippets.SYSTEMS` (a test compares): that file is imported when it is needed."""
STANDARD_INPUT = "-"
KEPT_IN_MEMORY = 64 << 20
"""Bytes of standard input; more goes to a temporary file."""
BAR_FROM = 20 << 20
"""Bytes of input from which on a progress bar is worth its line."""
WIDEST = 120
PATH = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options that say what to print and to write."""

    as_json: bool
    html: Path | None
    mermaid: Path | None
    redact: bool
    redacted_capture: Path | None
    no_colour: bool


@click.command(short_help="Say what is wrong in a capture or a log, and what to change.")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs (docs/analyzer.md).")
@click.option("--html", type=PATH, metavar="OUT", help="Write a report for browsers into one file.")
@click.option("--mermaid", type=PATH, metavar="OUT", help="Write sequence diagrams of the calls (Mermaid).")
@click.option("--provider", metavar="NAME|FILE", help="twilio, trunkline, generic or a file.  [default: recognise]")
@click.option(
    "--pbx", type=click.Choice(PBX_NAMES), metavar="NAME", help=f"{', '.join(PBX_NAMES)}.  [default: recognise]"
)
@click.option("--password-file", type=PATH, metavar="FILE", help="Lines user:password, to check digests with.")
@click.option("--number", "numbers", multiple=True, metavar="+E164", help="A number of the trunk; may be repeated.")
@click.option("--redact", is_flag=True, help="Replace numbers, addresses, names and secrets in all that is written.")
@click.option("--redacted-capture", type=PATH, metavar="OUT", help="Write the capture itself, redacted, as pcap.")
@click.option("--no-colour", "--no-color", "no_colour", is_flag=True, help="No colours, as with NO_COLOR=1.")
def analyze(
    files: tuple[str, ...],
    provider: str | None,
    pbx: str | None,
    password_file: Path | None,
    numbers: tuple[str, ...],
    **wanted: Any,
) -> None:
    """Read captures and logs, find the calls, and say what is wrong, why, and what to change in your PBX.

    FILE is a capture (pcap, pcapng, NetMon, HEP; gzip, xz or zip around it) or a text log of a PBX, told by its
    content; several are merged by time. - is standard input. Nothing leaves this machine.

    Exit status 0: no problem found, 1: problems found, 2: the input could not be read.

    \b
    Examples:
      trunkline analyze call.pcap
      trunkline analyze call.pcap --html report.html --redact
      trunkline analyze inside.pcap outside.pcap --provider twilio --pbx asterisk
      asterisk -rvvv | tee pbx.log; trunkline analyze pbx.log --json
    """
    import gc

    from trunkline.analyzer.garbage import no_collection
    from trunkline.analyzer.model.trace import Options

    options = Options(provider, pbx=pbx, passwords=_passwords(password_file), own_numbers=_numbers(numbers))
    with no_collection():
        analysis, sources = _analysis(files, options)
        with sources:
            _write(analysis, Wanted(**wanted), sources.inputs)
        gc.freeze()  # or the collector looks through all of it once more as soon as it may, and at the end again
    from trunkline.analyzer.report.verdict import is_problem

    sys.exit(EXIT_FAILED if any(is_problem(finding) for finding in analysis.findings) else 0)


class Sources:
    """The inputs, and the temporary file that a long standard input is kept in until all is written."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self._stack = ExitStack()
        if files.count(STANDARD_INPUT) > 1:
            cannot("standard input (-) can be given once only")
        self.inputs: list[Input] = [self._standard_input() if name == STANDARD_INPUT else Path(name) for name in files]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _standard_input(self) -> Input:
        if sys.stdin.isatty():
            click.echo("trunkline: reading standard input; end it with Ctrl-D", err=True)
        stream = sys.stdin.buffer
        head = stream.read(KEPT_IN_MEMORY)
        if len(head) < KEPT_IN_MEMORY:
            return head
        spooled = self._stack.enter_context(tempfile.NamedTemporaryFile(prefix="trunkline-"))  # noqa: SIM115
        spooled.write(head)
        while piece := stream.read(1 << 20):
            spooled.write(piece)
        spooled.flush()
        return Path(spooled.name)


def _analysis(files: tuple[str, ...], options: Options) -> tuple[Analysis, Sources]:
    from trunkline.analyzer.analysis import analyze as run
    from trunkline.analyzer.profiles.profile import ProfileInvalid
    from trunkline.analyzer.read.unreadable import UnreadableInput

    sources = Sources(files)
    try:
        with _progress(sources.inputs) as progress:
            return run(sources.inputs, options, progress=progress), sources
    except (UnreadableInput, ProfileInvalid) as problem:
        cannot(_printable(str(problem)))
    except OSError as problem:
        name = _printable(str(problem.filename or "the input"))
        cannot(f"{name}: {problem.strerror or problem}")


@contextmanager
def _progress(inputs: list[Input]) -> Iterator[Progress | None]:
    """A bar on stderr where somebody looks at it and the input is large enough to wait for."""
    size = sum(len(one) if isinstance(one, bytes) else _size(Path(one)) for one in inputs)
    if size < BAR_FROM or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=size, label="Reading", file=sys.stderr) as bar:
        yield lambda done, total: bar.update(max(0, min(done, size) - bar.pos) if total else 0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # the reader says what is wrong with it


def _write(analysis: Analysis, wanted: Wanted, inputs: list[Input]) -> None:
    if wanted.redact or wanted.redacted_capture is not None:
        from trunkline.analyzer.redact import Redactor

        redactor = Redactor(analysis.trace)
        if wanted.redacted_capture is not None:
            from trunkline.analyzer.analysis import inputs as pairs
            from trunkline.analyzer.redacted_capture import write_capture

            with _writing(wanted.redacted_capture):
                write_capture(wanted.redacted_capture, analysis.trace, redactor, pairs(inputs))
        if wanted.redact:
            analysis = redactor.analysis(analysis)
    if wanted.html is not None:
        from trunkline.analyzer.report.html import page

        _put(wanted.html, page(analysis))
    if wanted.mermaid is not None:
        from trunkline.analyzer.report.mermaid import diagrams

        _put(wanted.mermaid, diagrams(analysis))
    if wanted.as_json:
        from trunkline.analyzer.report.json_report import dumps

        click.echo(dumps(analysis))
    else:
        _show(analysis, coloured=not wanted.no_colour)


def _show(analysis: Analysis, *, coloured: bool) -> None:
    from shutil import get_terminal_size

    from trunkline.analyzer.report.paint import Paint
    from trunkline.analyzer.report.terminal import render

    coloured = coloured and sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(WIDEST, max(40, get_terminal_size((100, 24)).columns))
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that knows ASCII only
    click.echo(render(analysis, Paint(coloured, width)), nl=False, color=coloured)


def _put(path: Path, text: str) -> None:
    with _writing(path):
        path.write_text(text, encoding="utf-8")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        cannot(f"cannot write {_printable(str(path))}: {problem.strerror or problem}")


def _passwords(path: Path | None) -> dict[str, str]:
    """User name to password, of lines `user:password`; empty lines and those with # ahead are comments."""
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        cannot(f"{_printable(str(path))}: {problem.strerror or problem}")
    except UnicodeDecodeError:
        cannot(f"{_printable(str(path))}: not a text file; --password-file wants lines user:password")
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, password = line.partition(":")
        if not colon or not user:  # the line itself is not shown: it may hold a password
            cannot(f"{_printable(str(path))}: line {number} is not user:password")
        found[user.strip()] = password
    return found


def _numbers(numbers: tuple[str, ...]) -> tuple[str, ...]:
    for number in numbers:
        digits = number.removeprefix("+")
        if number == digits or not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
            cannot(f"--number {_printable(number)} is not +E.164, as +15551234567")
    return numbers


def _printable(text: str) -> str:
    from trunkline.analyzer.report.escape import visible

    return visible(text)


COMMANDS = (analyze,)
