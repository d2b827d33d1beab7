"""The configuration of a PBX as files in a folder, below it as in the PBX's own one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from trunkline.pbx.config.request import PASSWORD, ConfigFile, TrunkRequest
from trunkline.pbx.config.write import as_text, configuration

BY_HAND = "by-hand.txt"
"""For what is no file: pages of a web interface, commands."""
PART = ".part"
"""Behind the name of a file whose lines go into one that the PBX has already: under its own name it would replace all
that the PBX has there, or be read besides.
"""


class FilesThere(Exception):
    """Files of these names are there already; one line that names them."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file in the folder."""

    path: Path
    holds: tuple[ConfigFile, ...]
    """What stands in it: one file of the PBX, or all that is done by hand."""
    text: str
    secret: bool
    """It holds the password, or the place for it: mode 0600."""

    @property
    def by_hand(self) -> bool:
        return self.path.name == BY_HAND


def plan(request: TrunkRequest, pbx: str, folder: Path) -> list[Written]:
    """What `write` would write. Raises RequestInvalid."""
    files = configuration(request, pbx)
    # The text may hold the password in any form (escaped, quoted), so what depends on it shows by another one.
    another = PASSWORD[::-1] if request.password == PASSWORD else PASSWORD
    other = configuration(replace(request, password=another), pbx)
    secret = {one.path for one, again in zip(files, other, strict=True) if one.text != again.text}
    named = [one for one in files if one.path.startswith("/")]
    found = [
        Written(folder / name, (one,), one.text + "\n", one.path in secret)
        for name, one in zip(_names(named), named, strict=True)
    ]
    if by_hand := tuple(one for one in files if one not in named):
        text = as_text(list(by_hand), pbx)
        found.append(Written(folder / BY_HAND, by_hand, text, any(one.path in secret for one in by_hand)))
    return found


def write(files: Sequence[Written], *, force: bool) -> None:
    """Write them, and the folders that they lack. Raises FilesThere, before anything is written, where one of them is
    there and `force` does not say to replace it; OSError.
    """
    there = [str(one.path) for one in files if os.path.lexists(one.path)]
    if there and not force:
        raise FilesThere(f"{', '.join(there)}: there already; --force replaces, or choose another folder")
    for one in files:
        one.path.parent.mkdir(parents=True, exist_ok=True)
        if force:
            _replace(one)
        else:
            _create(one.path, one)


def _names(files: Sequence[ConfigFile]) -> list[str]:
    """Of each its path below the folder that the PBX has all of them in."""
    if not files:
        return []
    root = os.path.commonpath([str(PurePosixPath(one.path).parent) for one in files])
    return [str(PurePosixPath(one.path).relative_to(root)) + PART * one.part for one in files]


def _create(path: Path, one: Written) -> None:
    """With its mode from the first moment. FileExistsError where something of that name is there, a link too."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if one.secret else 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(one.text)


def _replace(one: Written) -> None:
    """Readers see the old text or the new one, whole; a link is replaced, not followed."""
    new = one.path.with_name(one.path.name + ".new")
    new.unlink(missing_ok=True)
    _create(new, one)
    new.replace(one.path)
