"""The header lines of a message. A line becomes a `Header` when somebody asks for it: most are never looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Header:
    """One header line as it stood, folded lines included."""

    name: str
    """As RFC 3261 spells it (`Call-ID`), whatever the message wrote (`i`, `call-id`); unknown ones as written."""
    value: str
    """Unfolded, without white space around it. Bytes that are not UTF-8 are surrogates (`surrogateescape`)."""
    offset: int
    """Of its first byte in `RawMessage.data`."""
    length: int
    """Bytes, without the line's end."""
    line: int
    """Line of the message, the start line is 1."""


class Line:
    """What is the same in every message that holds this header line, and is shared by them: a dialog repeats its lines
    from message to message.
    """

    __slots__ = ("length", "name", "read", "value")

    def __init__(self, name: str, value: str, length: int, read: Any) -> None:
        """As the fields of `Header`. `read`: what `sip/lines.py` has read out of the value; None where nobody asks."""
        self.name = name
        self.value = value
        self.length = length
        self.read = read


class Shape:
    """Names of the headers of a message, in order. Messages of one program and kind have the same, and share it."""

    __slots__ = ("missing", "names", "places", "repeats", "where")

    def __init__(self, names: tuple[str, ...], mandatory: tuple[str, ...]) -> None:
        self.names = names
        self.where: dict[str, int] = {}
        """Where each name stands first."""
        for position, name in enumerate(names):
            self.where.setdefault(name, position)
        self.repeats = len(self.where) != len(names)
        """Whether a name stands twice."""
        self.places = tuple(self.where.get(name, -1) for name in mandatory)
        """Where each of the mandatory ones stands; -1: it is missing."""
        self.missing = tuple(name for name in mandatory if name not in self.where)


class Head:
    """Header lines, and where each name stands first."""

    __slots__ = ("_first", "_made", "lines", "shape", "where")

    def __init__(self, lines: Sequence[Line], shape: Shape, first: int, made: list[Header] | None = None) -> None:
        """`first`: offset of the first header. `made`: the headers, where they do not just follow each other with CRLF
        in between.
        """
        self.lines = lines
        self.shape = shape
        self.where = shape.where
        self._first = first
        self._made = made

    @property
    def names(self) -> tuple[str, ...]:
        """Of all headers, in order."""
        return self.shape.names

    @property
    def headers(self) -> list[Header]:
        if self._made is None:
            self._made = [self._header(position) for position in range(len(self.lines))]
        return self._made

    def _header(self, position: int) -> Header:
        if self._made is not None:
            return self._made[position]
        lines = self.lines
        offset = self._first + 2 * position + sum([line.length for line in lines[:position]])
        line = lines[position]
        return Header(line.name, line.value, offset, line.length, position + 2)

    def value(self, name: str) -> str:
        """Of the first header of this name, or empty."""
        position = self.where.get(name)
        return "" if position is None else self.lines[position].value

    def read(self, name: str) -> Any:
        """What was read out of it; None where there is none of this name."""
        position = self.where.get(name)
        return None if position is None else self.lines[position].read

    def line(self, name: str) -> int:
        """Line of the message that holds the first header of this name; 1 where there is none."""
        position = self.where.get(name)
        if position is None:
            return 1
        return self._made[position].line if self._made is not None else position + 2

    def first(self, name: str) -> Header | None:
        position = self.where.get(name)
        return None if position is None else self._header(position)

    def all(self, name: str) -> list[Header]:
        if name not in self.where:
            return []
        if not self.shape.repeats:
            return [self._header(self.where[name])]
        return [header for header in self.headers if header.name == name]

    def all_values(self, name: str) -> list[str]:
        """Without making headers of them."""
        if name not in self.where:
            return []
        if not self.shape.repeats:
            return [self.lines[self.where[name]].value]
        return [line.value for line in self.lines if line.name == name]
