"""What a row of the table of causes (`cause`) has, and what its texts may show of what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Literal, NamedTuple, Self

LogLevel = Literal["error", "warning", "notice"]
MAX_SEEN = 80
"""Longest value, in characters, that a text shows of what the sender sent."""


class Fault(Enum):
    """Against whom a failure counts."""

    CUSTOMER = "customer"
    CARRIER = "carrier"
    PLATFORM = "platform"
    CALLER = "caller"


class CauseRow(NamedTuple):
    sip_status: int
    reason: str
    code: int | None
    level: LogLevel
    fault: Fault
    text: str
    alert: str


class Seen(dict[str, str]):
    """The words that fill a template. One that a caller forgot is `-`: a refusal without an answer would be worse."""

    @classmethod
    def of(cls, seen: Mapping[str, object]) -> Self:
        return cls({key: visible(value) for key, value in seen.items()})

    def __missing__(self, key: str) -> str:
        return "-"


def visible(value: object) -> str:
    """What the sender sent, safe inside a header: printable ASCII without backslash, `?` for all else, cut at
    MAX_SEEN.
    """
    text = str(value)
    if len(text) > MAX_SEEN:
        text = text[: MAX_SEEN - 3] + "..."
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(c if " " <= c <= "~" and c != "\\" else "?" for c in text)


def error_header(code: int | None, text: str) -> tuple[str, str] | None:
    """The X-Twilio-Error header of a refusal, or None where the cause has no code."""
    return None if code is None else ("X-Twilio-Error", f"{code} {text}")
