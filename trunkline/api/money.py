"""Amounts: millionths of the currency unit in the store, decimal text in the API. Never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trunkline.api.api_error import ApiError
from trunkline.api.fields import quoted

CURRENCY = "USD"
MICROS = 1_000_000

_AMOUNT = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,6}))?")


def decimal_text(micros: int) -> str:
    """`12500000` → `12.50`, `1` → `0.000001`: at least two decimals, no more than needed."""
    whole, part = divmod(abs(micros), MICROS)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"


@dataclass(frozen=True, slots=True)
class Amount:
    """A field: `12.50`, `-3`, at most six decimals."""

    name: str
    column: str

    def read(self, text: str) -> int:
        match = _AMOUNT.fullmatch(text)
        if not match:
            raise ApiError(20422, f"{self.name} must be an amount such as 12.50, not {quoted(text)}")
        sign, whole, decimals = match.groups()
        micros = int(whole) * MICROS + int((decimals or "").ljust(6, "0"))
        return -micros if sign else micros
