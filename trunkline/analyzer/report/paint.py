"""Colour, weight and width of a terminal."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from trunkline.analyzer.report.escape import shortened, visible

CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}
COLOURS = {"critical": "red", "warn": "yellow", "security": "magenta", "info": "blue", "": "green"}
"""Severity to colour. The word stands beside it always: colour alone says nothing to some."""

LONGEST = 3000
"""Characters of one paragraph: a hostile field is no page."""


@dataclass(frozen=True, slots=True)
class Paint:
    """How text is shown."""

    coloured: bool = False
    width: int = 100
    """Columns; lines of text are broken at it, evidence is cut."""

    def colour(self, text: str, name: str, *, bold: bool = False) -> str:
        return f"\x1b[{'1;' if bold else ''}{CODES[name]}m{text}\x1b[0m" if self.coloured else text

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.coloured else text

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.coloured and text else text

    def wrap(self, text: str, indent: int = 0, first: str = "") -> list[str]:
        """Text of the capture or of ours as lines, nothing of it active."""
        return textwrap.wrap(
            shortened(visible(text), LONGEST),
            self.width,
            initial_indent=" " * indent + first,
            subsequent_indent=" " * (indent + len(first)),
            break_on_hyphens=False,
        ) or [""]
