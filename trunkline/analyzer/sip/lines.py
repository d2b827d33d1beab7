"""Header lines, each read once: the messages of a dialog repeat most of their lines, and all dialogs some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.analyzer.model.head import Line, Shape
from trunkline.analyzer.sip import address
from trunkline.analyzer.sip.header_names import BY_SPELLING, canonical

MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")
_MOST_KEPT = 40_000
"""Lines: those of some thousand dialogs, and then all anew. Dialogs that belong together are near each other."""
_MOST_SHAPES = 4_000
_LONGEST_KEPT = 512
"""Longer lines are read afresh each time: they are rarely met again."""
_TOKEN_EXTRA = str.maketrans("", "", "-.!%*_+`'~")
_CSEQ_END = 1 << 31


def read_cseq(value: str) -> tuple[int, str, bool]:
    """Number and method, and whether both are as they should be. A tab, or several blanks, are as good as one."""
    digits, _, method = value.partition(" ")
    if digits.isdigit() and len(digits) < 10 and method.isalpha() and digits.isascii():
        return int(digits), method, True
    parts = value.split(None, 1)
    digits, method = parts if len(parts) == 2 else (value, "")
    method = method.strip()
    if not (is_number(digits) and len(digits) < 20 and method):
        return 0, method if is_token(method) else "", False
    return int(digits), method, int(digits) < _CSEQ_END


def _content_length(value: str) -> int:
    """-1: no number."""
    if not is_number(value):
        return -1
    return int(value) if len(value) < 12 else 1 << 40


def _is_hop_count(value: str) -> bool:
    return is_number(value) and len(value) < 4 and int(value) < 256


def _is_lifetime(value: str) -> bool:
    """Seconds, or a date as in RFC 2543."""
    return (is_number(value) and len(value) < 11) or value[:3].isalpha()


READERS: dict[str, Callable[[str], Any]] = {
    "From": address.read_name_addr,
    "To": address.read_name_addr,
    "Via": address.read_vias,
    "CSeq": read_cseq,
    "Content-Length": _content_length,
    "Max-Forwards": _is_hop_count,
    "Expires": _is_lifetime,
}
"""What the parser asks of each message, by header: the values of `Line.read`."""

ODD = Line("", "", 0, None)
"""Stands for a line that is not one header by itself: no colon, a fold, a name that is no token."""
_lines: dict[str, Line] = {}
_shapes: dict[tuple[str, ...], Shape] = {}


def lines_of(texts: list[str]) -> list[Line]:
    """One for each text; `ODD` for those that need a closer look."""
    known = _lines.get
    return [known(text) or _line(text) for text in texts]


def line_of(name: str, value: str, length: int) -> Line:
    """A line whose parts are known already."""
    reader = READERS.get(name)
    return Line(name, value, length, reader(value) if reader is not None else None)


def _line(text: str) -> Line:
    written, colon, value = text.partition(":")
    name = BY_SPELLING.get(written) if colon else ""
    if name is None:
        name = canonical(written) if text[0] not in " \t" else ""
        if not is_token(name):
            name = ""
    if not name:
        return ODD
    line = line_of(name, value.strip(" \t\r"), len(text))
    if len(text) <= _LONGEST_KEPT:
        if len(_lines) >= _MOST_KEPT:
            _lines.clear()
        _lines[text] = line
    return line


def shape_of(lines: list[Line]) -> Shape:
    names = tuple([line.name for line in lines])
    shape = _shapes.get(names)
    if shape is None:
        shape = Shape(names, MANDATORY)
        if len(_shapes) < _MOST_SHAPES:
            _shapes[names] = shape
    return shape


def forget() -> None:
    """Empties what is kept: an analysis leaves nothing of its input behind."""
    _lines.clear()
    _shapes.clear()


def is_token(text: str) -> bool:
    """RFC 3261 section 25.1."""
    rest = text.translate(_TOKEN_EXTRA)
    return bool(text) and text.isascii() and (rest.isalnum() or not rest)


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
