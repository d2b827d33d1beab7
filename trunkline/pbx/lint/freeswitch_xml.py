"""Reads FreeSWITCH's XML: gateways, the settings of SIP profiles, and the variables of vars.xml, with their lines.

Expat is used itself, since it says the line of each element. There is no document type in these files, so none is let
in: without one there are no entities to multiply and nothing to fetch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from trunkline.pbx.lint.finding import Place
from trunkline.pbx.lint.source import Budget, Unreadable, printable, without_secrets

DEEPEST = 60
MOST_ELEMENTS = 200_000
DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
VARIABLE = re.compile(r"\$\$\{([A-Za-z0-9_.-]{1,80})\}")
ROOT = "lint"
SOFIA = "sofia.conf"


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    """In lower case."""
    value: str
    place: Place


@dataclass(slots=True)
class Group:
    """A gateway, the settings of a profile, or the variables of a gateway."""

    name: str
    place: Place
    params: list[Param] = field(default_factory=list)
    variables: list[Param] = field(default_factory=list)
    profile: str = ""
    """Of a gateway: the profile that it lies in, by the file's folder or by the element around it."""

    def last(self, name: str) -> Param | None:
        return next((param for param in reversed(self.params) if param.name == name), None)

    def value(self, name: str, default: str = "") -> str:
        found = self.last(name)
        return found.value if found is not None else default

    def place_of(self, name: str) -> Place:
        found = self.last(name)
        return found.place if found is not None else self.place


@dataclass(slots=True)
class FreeswitchFiles:
    gateways: list[Group] = field(default_factory=list)
    profiles: dict[str, Group] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    """Global ones (`X-PRE-PROCESS cmd="set"`)."""
    seen: int = 0
    """Elements."""


def read(paths: Iterable[Path], budget: Budget) -> FreeswitchFiles:
    """All files together: what one sets, the others use. Raises Unreadable."""
    found = FreeswitchFiles()
    for path in paths:
        _Reader(path, budget.read(path), found).run()
    for group in [*found.gateways, *found.profiles.values()]:
        group.params = [
            Param(param.name, resolved(param.value, found.variables), param.place) for param in group.params
        ]
    return found


def resolved(text: str, variables: dict[str, str]) -> str:
    """`$${name}` replaced by what vars.xml sets; those of variables by theirs, a few times."""
    for _ in range(4):
        after = VARIABLE.sub(lambda hole: variables.get(hole.group(1), hole.group()), text)
        if after == text or len(after) > 4096:
            break
        text = after
    return text[:4096]


class _Reader:
    def __init__(self, path: Path, text: str, into: FreeswitchFiles) -> None:
        self._path = path
        self._shown = printable(str(path))
        self._text = text
        self._lines = text.splitlines()
        self._into = into
        self._stack: list[str] = []
        self._profile = ""
        self._module = ""
        self._gateway: Group | None = None
        self._parser = expat.ParserCreate()

    def run(self) -> None:
        lowered = self._text.lower()
        if "<!doctype" in lowered or "<!entity" in lowered:
            raise Unreadable(f"{self._shown}: has a document type or entities, which FreeSWITCH's files have not")
        declared = DECLARATION.match(self._text)
        body = self._text
        if declared is not None:
            body = "\n" * declared.group().count("\n") + body[declared.end() :]
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        try:
            # An included file may hold several gateways side by side: XML wants one element around them.
            self._parser.Parse(f"<{ROOT}>", False)
            self._parser.Parse(body, False)
            self._parser.Parse(f"</{ROOT}>", True)
        except expat.ExpatError as problem:
            reason = expat.ErrorString(problem.code)
            raise Unreadable(f"{self._shown}: is no well-formed XML: line {problem.lineno}: {reason}") from problem

    def _place(self, name: str = "") -> Place:
        line = self._parser.CurrentLineNumber
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        if any(word in name for word in ("password", "secret")):
            text = f'<param name="{printable(name)}" value="(not shown)"/>'
        return Place(str(self._path), line, without_secrets("", text))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._into.seen += 1
        if len(self._stack) >= DEEPEST or self._into.seen > MOST_ELEMENTS:
            raise Unreadable(f"{self._shown}: elements are nested too deep, or too many")
        outer = self._stack[-1] if self._stack else ""
        self._stack.append(tag)
        name = attributes.get("name", "")
        if tag.upper() == "X-PRE-PROCESS" and attributes.get("cmd", "").lower() in ("set", "stun-set"):
            variable, _, value = attributes.get("data", "").partition("=")
            self._into.variables[variable.strip()] = value
        elif tag == "configuration":
            self._module = name.lower()
        elif self._module not in ("", SOFIA):
            return  # other modules (mod_smpp) have gateways and profiles too
        elif tag == "profile":
            self._profile = name
        elif tag == "gateway":
            inside = self._profile or self._path.resolve().parent.name
            self._gateway = Group(name, self._place(), profile=inside)
            self._into.gateways.append(self._gateway)
        elif tag == "param":
            self._param(outer, Param(name.lower(), attributes.get("value", ""), self._place(name.lower())))
        elif tag == "variable" and self._gateway is not None:
            self._gateway.variables.append(Param(name.lower(), attributes.get("value", ""), self._place(name.lower())))

    def _param(self, outer: str, param: Param) -> None:
        if self._gateway is not None:
            self._gateway.params.append(param)
        elif outer == "settings" and self._profile:
            group = self._into.profiles.get(self._profile)
            if group is None:
                group = self._into.profiles[self._profile] = Group(self._profile, param.place)
            group.params.append(param)

    def _end(self, tag: str) -> None:
        self._stack.pop()
        if tag == "gateway":
            self._gateway = None
        elif tag == "configuration":
            self._module = ""
        elif tag == "profile":
            self._profile = ""
