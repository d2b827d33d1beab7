"""The time that stands in a log line, in the many ways in which logs write it.

No zone is taken for UTC. Without a year the year is 1970, without a date the day is the first of it: then only
differences count.
"""

from __future__ import annotations

import re
from calendar import timegm

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: n for n, name in enumerate(_NAMES, 1)}
_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d\d):(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<Y>\d{4})[-/](?P<M>\d\d)[-/](?P<D>\d\d)[T _]+" + _CLOCK + r"\s?(?P<z>Z\b|[+-]\d\d:?\d\d\b)?",
        r"(?P<D>\d\d)-(?P<M>\d\d)@" + _CLOCK,
        r"(?P<D>\d{1,2})[-/. ](?P<b>[A-Z][a-z]{2})[-/. ](?P<Y>\d{4})[T :]+" + _CLOCK,
        r"(?P<b>[A-Z][a-z]{2}) +(?P<D>\d{1,2})(?: (?P<Y>\d{4}))?,? +" + _CLOCK,
        r"(?P<D>\d\d)[./](?P<M>\d\d)[./](?P<Y>\d{4})[T ,]+" + _CLOCK,
        r"(?<![\d:.])" + _CLOCK + r"(?!\d)",
    )
)
_UNIX = re.compile(r" at (\d{10}) --->")


def read_time(text: str) -> float | None:
    """Unix seconds of the first time in `text` (its first 200 characters), or None."""
    head = text[:200]
    if ":" not in head:
        return None
    if " at 1" in head and (unix := _UNIX.search(head)) is not None:
        return float(unix[1])
    for pattern in _PATTERNS:
        found = pattern.search(head)
        if found is not None:
            seconds = _seconds(found.groupdict())
            if seconds is not None:
                return seconds
    return None


def _seconds(part: dict[str, str | None]) -> float | None:
    name = part.get("b")
    month = _MONTHS.get(name.lower()) if name else int(part.get("M") or 1)
    day, year = int(part.get("D") or 1), int(part.get("Y") or 1970)
    hour, minute, second = int(part["h"] or 0), int(part["m"] or 0), int(part["s"] or 0)
    if month is None or not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    if not 1970 <= year < 2200:
        return None
    fraction = part.get("f")
    whole = timegm((year, month, day, hour, minute, second))
    return whole - _zone(part.get("z")) + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def _zone(text: str | None) -> int:
    """Seconds east of UTC."""
    if not text or text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds


class Clock:
    """Puts the times of one log in order: a log that writes the time of day alone goes on after midnight."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._days = 0.0

    def read(self, text: str) -> float | None:
        """As `read_time`; a day is added each time the clock falls back by more than half a day without a date."""
        seconds = read_time(text)
        if seconds is None:
            return None
        if seconds < 86_400:
            seconds += self._days
            if self._last is not None and seconds < self._last - 43_200:
                self._days += 86_400
                seconds += 86_400
        self._last = seconds
        return seconds
