"""Fields of the forms that set limits: rates, amounts that may be missing, a trunk's number rules."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from trunkline.api.api_error import ApiError
from trunkline.api.fields import quoted
from trunkline.api.limits import CPS_MOST
from trunkline.api.money import Amount
from trunkline.core.number_rules import NumberRulesError, parse_number_rules


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second: `10`, or `0.5` for one in two seconds."""

    name: str
    column: str

    def read(self, text: str) -> float:
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) and 0.001 <= float(text) <= CPS_MOST:
            return float(text)
        raise ApiError(20422, f"{self.name} must be calls per second, such as 10 or 0.5, not {quoted(text)}")


@dataclass(frozen=True, slots=True)
class OptionalAmount:
    """An amount of nothing or more; empty is none at all."""

    name: str
    column: str
    may_be_empty: bool = True

    def read(self, text: str) -> int | None:
        if not text and self.may_be_empty:
            return None
        micros = Amount(self.name, self.column).read(text)
        if micros < 0:
            raise ApiError(20422, f"{self.name} must not be negative")
        return micros


@dataclass(frozen=True, slots=True)
class NumberRules:
    """JSON, see docs/operations.md; empty for no rules."""

    name: str
    column: str

    def read(self, text: str) -> str:
        try:
            parse_number_rules(text)
        except NumberRulesError as error:
            raise ApiError(20422, f"{self.name}: {error}") from None
        return json.dumps(json.loads(text or "[]"), separators=(",", ":"))
