"""docs/cli.md, from the commands' own help: `python -m trunkline.cli.reference > docs/cli.md`, or `make docs`."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator

import click

WIDTH = 100
HEAD = """\
# The commands

Written by `make docs` from the commands' own `--help`; a test fails when it is stale. Every option of `trunkline up`
has an environment variable: `TRUNKLINE_` and its name in capitals.

Exit status of every command: 0 all went well, 1 what was asked for failed (a call, a ping), 2 the command could not run
(one line on stderr says why).
"""


def reference() -> str:
    from trunkline.cli.main import cli

    parts = [HEAD]
    for path, context in _commands(click.Context(cli, info_name="trunkline", **cli.context_settings)):
        parts.append(f"\n## {path}\n\n```text\n{_help(context)}\n```\n")
    return "".join(parts)


def _commands(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    yield context.command_path, context
    if isinstance(context.command, click.Group):
        for name in sorted(context.command.commands):
            below = click.Context(
                context.command.commands[name], parent=context, info_name=name, max_content_width=WIDTH
            )
            yield from _commands(below)


def _help(context: click.Context) -> str:
    context.terminal_width = WIDTH
    if context.command.name == "carrier":
        return _carrier_help()
    return "\n".join(line.rstrip() for line in context.get_help().splitlines()).rstrip()


def _carrier_help() -> str:
    """It has a parser of its own, and the list of numbers belongs to it."""
    from trunkline.testbench import carrier

    shown = []
    for option in ("--help", "--numbers"):
        output = io.StringIO()
        width = os.environ.get("COLUMNS")
        os.environ["COLUMNS"] = str(WIDTH)
        try:
            with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
                carrier.main([option])
        finally:
            os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)
        shown.append(output.getvalue().rstrip())
    return "\n\n$ trunkline carrier --numbers\n".join(shown)


if __name__ == "__main__":
    sys.stdout.write(reference())
