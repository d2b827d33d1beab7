"""A text log as lines that can be read: bytes to text, without what a terminal, a mail or a web page put around them.

Every line keeps the number that it has in the file, so that evidence can name it.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple


class Line(NamedTuple):
    number: int
    """In the file, from 1. Lines that a syslog daemon had joined share one."""
    text: str


_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Za-z0-9]|\x1b[=>]")
# How rsyslog, syslog-ng and AudioCodes write a line's end within one log line.
_ESCAPED_END = re.compile(r"(?:\\r)?\\n(?=[A-Z\\\w-]{1,40}[:= ]|\\r|\\n|\"|$)")
_SMART = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u200b": "", "\ufeff": ""})
_HTML_SIGNS = ("&lt;", "&gt;", "&quot;", "&amp;", "&#")


def decode(data: bytes) -> str:
    """UTF-8 with or without a mark, or UTF-16 with one; other bytes become surrogates and go back as such."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def lines_of(text: str) -> list[Line]:
    """The cleaned lines."""
    sample = text[:200_000]
    quoted = _is_quoted(sample)
    as_html = any(mark in sample for mark in ("&lt;sip:", "&lt;sips:", "&lt;---", "&lt;tel:"))
    coloured = "\x1b" in text
    smart = not text.isascii()
    joined = "#012" in text or "\\r\\n" in text
    dotted = _shows_cr_as_dot(text)
    careted = "^M\n" in text
    flat = "..Via:" in text or "..v:" in text
    if not (quoted or as_html or coloured or smart or joined or dotted or careted or flat):
        raws = text.split("\n") if "\r" not in text else [raw.rstrip("\r") for raw in text.split("\n")]
        return list(map(Line, range(1, len(raws) + 1), raws))
    found: list[Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        if dotted:
            line = line.removesuffix(".")
        if careted:
            line = line.removesuffix("^M")
        if coloured and "\x1b" in line:
            line = _ANSI.sub("", line)
        if quoted:
            line = _unquoted(line)
        if as_html and "&" in line and any(sign in line for sign in _HTML_SIGNS):
            line = html.unescape(line)
        if smart and not line.isascii():
            line = line.translate(_SMART)
        if flat and "SIP/2.0" in line and ("..Via:" in line or "..v:" in line):
            found += [Line(number, part) for part in line.split("..")]
        elif joined and ("#012" in line or "\\n" in line):
            found += [Line(number, part.rstrip("\r")) for part in _split(line)]
        else:
            found.append(Line(number, line))
    return found


def _split(line: str) -> list[str]:
    if "#012" in line:
        return line.replace("#015", "").split("#012")
    if line.startswith("{"):
        line = line.replace('\\"', '"')
    return _ESCAPED_END.split(line)


def _shows_cr_as_dot(text: str) -> bool:
    """ngrep prints a byte that is no text as a dot, the CR at the end of every line too."""
    if any(end in text for end in (" SIP/2.0.\n", " SIP/2.0.\r\n")):
        return True
    return "\n.\n" in text and re.search(r"^[UT](?:\(\d+\))? .* -> ", text, re.MULTILINE) is not None


def _is_quoted(sample: str) -> bool:
    """Whether most lines carry a mail's quoting."""
    lines = [line for line in sample.split("\n", 400)[:400] if line.strip()]
    return bool(lines) and sum(line.startswith(">") for line in lines) > len(lines) * 0.6


def _unquoted(line: str) -> str:
    while line.startswith(">"):
        line = line[1:].removeprefix(" ")
    return line
