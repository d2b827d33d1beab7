"""The header lines of a message. A line becomes a `Header` when somebody asks for it: most are never looked at."""

from __future__ import annotations

from dataclasses import dataclass


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


class Head:
    """Header lines, and where each name stands first."""

    __slots__ = ("_eol", "_lines", "_made", "_names", "_start", "where")

    def __init__(self, lines: list[str], names: list[str], where: dict[str, int], eol: int, start: int) -> None:
        """`lines`: the start line and one line for each of `names`. `eol`: bytes of a line's end. `start`: offset of
        the start line.
        """
        self._lines = lines
        self._names = names
        self.where = where
        self._eol = eol
        self._start = start
        self._made: list[Header] | None = None

    @classmethod
    def of(cls, headers: list[Header]) -> Head:
        """Of headers that are made already."""
        where: dict[str, int] = {}
        for position, header in enumerate(headers):
            where.setdefault(header.name, position)
        head = cls([], [header.name for header in headers], where, 0, 0)
        head._made = headers
        return head

    @property
    def names(self) -> list[str]:
        """Of all headers, in order."""
        return self._names

    @property
    def headers(self) -> list[Header]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> list[Header]:
        lines, eol = self._lines, self._eol
        made = []
        offset = self._start + len(lines[0]) + eol
        for number, name in enumerate(self._names, 1):
            line = lines[number]
            size = len(line)
            made.append(Header(name, line.partition(":")[2].strip(" \t\r"), offset, size, number + 1))
            offset += size + eol
        return made

    def value(self, name: str) -> str:
        """Of the first header of this name, or empty."""
        position = self.where.get(name)
        if position is None:
            return ""
        if self._made is not None:
            return self._made[position].value
        return self._lines[position + 1].partition(":")[2].strip(" \t\r")

    def line(self, name: str) -> int:
        """Line of the message that holds the first header of this name; 1 where there is none."""
        position = self.where.get(name)
        if position is None:
            return 1
        return self._made[position].line if self._made is not None else position + 2

    def first(self, name: str) -> Header | None:
        position = self.where.get(name)
        return None if position is None else self.headers[position]

    def all(self, name: str) -> list[Header]:
        if name not in self.where:
            return []
        return [header for header in self.headers if header.name == name]

    def all_values(self, name: str) -> list[str]:
        """Without making headers of them."""
        position = self.where.get(name)
        if position is None:
            return []
        if self._made is not None:
            return [header.value for header in self._made if header.name == name]
        return [
            self._lines[number].partition(":")[2].strip(" \t\r")
            for number, other in enumerate(self._names, 1)
            if other == name
        ]
