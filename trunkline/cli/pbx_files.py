"""The files of `trunkline pbx config`: shown, or written into a folder with a list of what goes where."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trunkline.cli.options import cannot, in_width, show_json, terminal_width

if TYPE_CHECKING:
    from trunkline.pbx.config.folder import Written
    from trunkline.pbx.config.request import ConfigFile, TrunkRequest


def show(request: TrunkRequest, system: str, *, as_json: bool) -> None:
    """Raises RequestInvalid."""
    from trunkline.pbx.config.write import as_text, configuration

    files = configuration(request, system)
    if as_json:
        show_json([_as_json(one) for one in files])
    else:
        click.echo(as_text(files, system), nl=False)


def write(request: TrunkRequest, system: str, folder: Path, *, force: bool, as_json: bool) -> None:
    """Raises RequestInvalid. Ends the program with one line where a file cannot be written."""
    from trunkline.pbx.config import folder as folders

    files = folders.plan(request, system, folder)
    try:
        folders.write(files, force=force)
    except folders.FilesThere as problem:
        cannot(str(problem))
    except OSError as problem:
        cannot(f"cannot write {problem.filename}: {problem.strerror}")
    if as_json:
        show_json([_as_json(one) | {"written": str(file.path)} for file in files for one in file.holds])
        return
    click.echo(f"Wrote {len(files)} file{'s' * (len(files) != 1)} into {folder}:")
    for file in files:
        for line in _lines(file, folder):
            click.echo(line)


def _as_json(one: ConfigFile) -> dict[str, str]:
    return {"path": one.path, "text": one.text, "note": one.note}


def _lines(file: Written, folder: Path) -> list[str]:
    """The name in the folder, and below it where it goes and what to do then."""
    from trunkline.pbx.config.request import PASSWORD

    lines = ["", f"  {file.path.relative_to(folder)}"]
    if file.by_hand:
        lines += _wrapped("To be done by hand, for this is no file of the PBX:")
        for one in file.holds:
            lines += _wrapped(f"- {one.path}")
    else:
        [one] = file.holds
        lines += _wrapped(f"{'lines for' if one.part else 'goes to'} {one.path}")
        lines += _wrapped(one.note) if one.note else []
    if PASSWORD in file.text:
        lines += _wrapped(f"Write the trunk's password for {PASSWORD}.")
    if file.secret:
        reader = "" if file.by_hand else ": the user that the PBX runs as has to own it"
        lines += _wrapped(f"It holds the password, so that it is for you alone (mode 0600){reader}.")
    return lines


def _wrapped(text: str) -> list[str]:
    return in_width(text, terminal_width(sys.stdout), " " * 6, " " * 6)
