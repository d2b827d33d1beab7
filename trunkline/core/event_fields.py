"""Fields of a spool event, checked and made fit for any database: PostgreSQL takes no NUL, no database a lone
surrogate.

What a field cannot be is a ValueError or TypeError, as Python raises it; `cdr.note` turns them into its own error.
"""

from __future__ import annotations

LATEST = 32_503_680_000
"""Unix seconds of the year 3000."""
LONGEST_TEXT = 512
"""Characters of one field that are kept of what a stranger sent."""


def time_us(at: float) -> int:
    """Unix seconds of an event → microseconds."""
    if not 0 < at < LATEST:
        raise ValueError(f"at {at!r}")
    return round(at * 1_000_000)


def text(value: str | None) -> str:
    """`?` for control characters and for bytes that were not UTF-8, cut at LONGEST_TEXT; "" for None."""
    if value is None:
        return ""
    if len(value) > LONGEST_TEXT:
        value = value[:LONGEST_TEXT]
    if value.isprintable():
        return value
    return "".join(c if c.isprintable() else "?" for c in value)


def name(value: str | None) -> str | None:
    """The same where None means that there is none: SIDs, causes."""
    return None if value is None else text(value)


def unhex(value: str | None) -> str:
    """Hex digits of bytes that were sent to us → their text."""
    return bytes.fromhex(value).decode("utf-8", "replace") if value else ""


def number(value: object, low: int, high: int) -> int:
    """A whole number, also as its digits."""
    found = int(value)  # type: ignore[call-overload]
    if not low <= found <= high:
        raise ValueError(f"{value!r} is not {low} to {high}")
    return int(found)


def optional_number(value: object) -> int | None:
    return None if value is None else number(value, 0, 999_999)


def q850_number(value: object) -> int | None:
    """1 to 127 (ITU-T Q.850 has seven bits), from a number or its digits; else None."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and 1 <= value <= 127 else None
