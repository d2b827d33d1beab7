"""Text of a capture made harmless: what is printed is visible, and nothing of it acts on the terminal or the page."""

from __future__ import annotations

import re

_ACTIVE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
"""Control characters (C0, DEL, C1), line and direction marks, invisible ones, and halves of characters."""


def visible(text: str) -> str:
    r"""One line in which nothing acts: an escape becomes `\x1b`, a line end `\n`, a byte that is no UTF-8 `\xff`."""
    return _ACTIVE.sub(_named, text) if _ACTIVE.search(text) else text


def lines_of(data: bytes) -> list[str]:
    """A message's lines, each visible, without what the end of a line is made of."""
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    return [visible(line) for line in text.removesuffix("\n").split("\n")]


def _named(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code == 0x0A:
        return "\\n"
    if code == 0x0D:
        return "\\r"
    if code == 0x09:
        return " "
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: one byte that was no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(1, most - 1)] + "…"
