"""Asterisk's configuration files: sections, templates, additions, includes and comments, with the line of each option.

The format is that of the Asterisk documentation, "Asterisk Configuration Files" and "Using Templates":
`[name](!)` is a template, `[name](base,other)` takes the options of others, `[name](+)` adds to a section of that name;
`+=` appends to a value; `;` begins a comment and `;--` … `--;` is a long one; `\\;` is a semicolon.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from trunkline.pbx.lint.finding import Place
from trunkline.pbx.lint.source import (
    DEEPEST_INCLUDE,
    LONGEST_LINE,
    Budget,
    Endless,
    Unreadable,
    printable,
    without_secrets,
)

WHOLE = ("pjsip.conf", "sip.conf", "extensions.conf", "rtp.conf")
MOST_OPTIONS = 200_000
"""Of all sections, after templates: an inherited option counts again."""
MOST_APPENDED = 1000
"""How often `+=` may be used, and LONGEST_VALUE how many characters come of it."""
LONGEST_VALUE = 65_536


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    """In lower case."""
    value: str
    place: Place


@dataclass(slots=True)
class Section:
    name: str
    place: Place
    template: bool = False
    options: list[Option] = field(default_factory=list)
    """Those of its templates first."""
    added_to: bool = False
    """More was added to it by `[name](+)`."""

    def all(self, *names: str) -> list[Option]:
        """Options of any of these names (other spellings of one), in order."""
        return [option for option in self.options if option.name in names]

    def last(self, *names: str) -> Option | None:
        """The one that counts where an option may be given once."""
        found = self.all(*names)
        return found[-1] if found else None

    def value(self, *names: str, default: str = "") -> str:
        found = self.last(*names)
        return found.value if found is not None else default

    def place_of(self, *names: str) -> Place:
        """Where an option stands, or the section where it does not."""
        found = self.last(*names)
        return found.place if found is not None else self.place


@dataclass(slots=True)
class Configuration:
    """One file and all that it includes."""

    file: str
    sections: list[Section] = field(default_factory=list)
    complete: bool = True
    """False: something is included that was not read, so that what is missing here may be there."""
    skipped: list[tuple[Place, str]] = field(default_factory=list)
    """What was not read, and why."""

    def named(self, name: str) -> list[Section]:
        return [section for section in self.sections if section.name == name]


def read(path: Path, folder: Path, budget: Budget) -> Configuration:
    """A file with its includes, which are followed below `folder` only. Raises Unreadable for the file itself."""
    found = Configuration(str(path))
    # Another name (pjsip_custom.conf) is that of a part, which refers to what stands in the others.
    found.complete = path.name.startswith(WHOLE)
    _Reader(folder.resolve(), budget, found).file(path, ())
    return found


class _Reader:
    def __init__(self, folder: Path, budget: Budget, into: Configuration) -> None:
        self._folder = folder
        self._budget = budget
        self._into = into
        self._section: Section | None = None
        self._options = 0
        self._appended = 0
        self._by_name: dict[str, Section] = {}
        """The latest of each name: what a template is looked up in."""

    def file(self, path: Path, chain: tuple[Path, ...]) -> None:
        text = self._budget.read(path)
        chain = (*chain, path.resolve())
        in_comment = False
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw[:LONGEST_LINE].rstrip("\r")
            line, in_comment = uncommented(line, in_comment)
            line = line.strip()
            if line:
                self._line(line, Place(str(path), number, line), chain)

    def _line(self, line: str, place: Place, chain: tuple[Path, ...]) -> None:
        if line.startswith("["):
            self._begin(line, place)
        elif line.startswith("#"):
            self._directive(line, place, chain)
        elif self._section is not None and "=" in line:
            self._option(self._section, line, place)

    def _begin(self, line: str, place: Place) -> None:
        name, closed, rest = line[1:].partition("]")
        if not closed:
            return
        words = []
        rest = rest.strip()
        if rest.startswith("("):
            words = [word.strip() for word in rest[1:].partition(")")[0].split(",")]
        place = Place(place.file, place.line, printable(line))
        if "+" in words and name not in self._by_name:
            self._skip(place, f"[{printable(name)}] is added to, and stands in none of these files")
        if "+" in words and name in self._by_name:
            section = self._by_name[name]
            section.added_to = True
        else:
            section = Section(name, place, template="!" in words)
            self._into.sections.append(section)
            self._by_name[name] = section
        for base in words:
            if base not in ("!", "+", "") and base in self._by_name and self._by_name[base] is not section:
                self._add(section, self._by_name[base].options)
        self._section = section

    def _add(self, section: Section, options: Iterable[Option]) -> None:
        for option in options:
            self._options += 1
            if self._options > MOST_OPTIONS:
                raise Endless(f"{printable(section.place.file)}: too many options; templates multiply them")
            section.options.append(option)

    def _option(self, section: Section, line: str, place: Place) -> None:
        name, _, value = line.partition("=")
        append = name.endswith("+")
        name = name.removesuffix("+").strip().lower()
        value = value.removeprefix(">").strip()
        place = Place(place.file, place.line, without_secrets(name, line))
        if append and (before := section.last(name)) is not None:
            self._appended += 1
            value = before.value + value
            if self._appended > MOST_APPENDED or len(value) > LONGEST_VALUE:
                raise Endless(f"{printable(place.file)}: line {place.line}: += is used too often")
            section.options.remove(before)
        self._add(section, [Option(name, value, place)])

    def _directive(self, line: str, place: Place, chain: tuple[Path, ...]) -> None:
        word, _, rest = line.partition(" ") if " " in line else line.partition("\t")
        if word.lower() == "#exec":
            self._skip(place, "what #exec would print is not known")
        if word.lower() not in ("#include", "#tryinclude"):
            return
        wanted = rest.strip().strip('"<>').strip()
        if not wanted:
            return
        paths = self._paths(wanted, Path(place.file).parent, place)
        if not paths and word.lower() == "#include":
            self._skip(place, f"{printable(wanted)} is not there")
        for path in paths:
            self._include(path, place, chain)

    def _paths(self, wanted: str, beside: Path, place: Place) -> list[Path]:
        """Files of one include, relative to the folder or to the file; an empty path: said already why not."""
        if Path(wanted).is_absolute():
            if not Path(wanted).is_relative_to(self._folder):
                self._skip(place, f"{printable(wanted)} lies outside {printable(str(self._folder))}; name it too")
                return [Path()]
            return [Path(wanted)] if Path(wanted).is_file() else []
        for root in (self._folder, beside):
            try:
                found = sorted(root.glob(wanted)) if any(sign in wanted for sign in "*?[") else [root / wanted]
                found = [path for path in found if path.is_file()]
            except (ValueError, OSError, NotImplementedError):
                found = []
            if found:
                return found
        return []

    def _include(self, path: Path, place: Place, chain: tuple[Path, ...]) -> None:
        if path == Path():
            return
        resolved = path.resolve()
        if not resolved.is_relative_to(self._folder):
            self._skip(place, f"{printable(str(path))} lies outside {printable(str(self._folder))}")
        elif resolved in chain:
            raise Endless(
                f"{printable(place.file)}: line {place.line} includes {printable(path.name)} again, "
                "which includes this file"
            )
        elif len(chain) >= DEEPEST_INCLUDE:
            raise Endless(
                f"{printable(place.file)}: line {place.line}: includes are nested deeper than {DEEPEST_INCLUDE}"
            )
        else:
            try:
                self.file(path, chain)
            except Endless:
                raise
            except Unreadable as problem:
                self._skip(place, str(problem))

    def _skip(self, place: Place, why: str) -> None:
        self._into.complete = False
        self._into.skipped.append((place, why))


def uncommented(line: str, in_comment: bool) -> tuple[str, bool]:
    """A line without its comments, and whether a long comment goes on into the next."""
    kept: list[str] = []
    at = 0
    while at < len(line):
        if in_comment:
            end = line.find("--;", at)
            if end < 0:
                return "".join(kept), True
            in_comment, at = False, end + 3
            continue
        sign = line.find(";", at)
        if sign < 0:
            kept.append(line[at:])
            break
        if sign > at and line[sign - 1] == "\\":
            kept.append(line[at : sign - 1] + ";")
            at = sign + 1
        elif line.startswith(";--", sign) and not line.startswith(";---", sign):
            kept.append(line[at:sign])
            in_comment, at = True, sign + 3
        else:
            kept.append(line[at:sign])
            break
    return "".join(kept), in_comment


def is_true(value: str) -> bool:
    """As Asterisk's ast_true."""
    return value.lower() in ("yes", "true", "y", "t", "1", "on")


def words(options: Iterable[Option]) -> list[tuple[str, Option]]:
    """The values of options that take lists by commas, each with where it stands."""
    return [(word.strip(), option) for option in options for word in option.value.split(",") if word.strip()]
