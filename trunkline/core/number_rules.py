"""A trunk's number rules: what a PBX dials → what it means, before the number must be +E.164 (rulings).

A trunk holds them as JSON, a list of objects. The first that fits is applied, and only that one:

    {"match": "00", "strip": 2, "prefix": "+"}            00442071234567 → +442071234567
    {"match": "0", "length": 11, "strip": 1, "prefix": "+44"}   02071234567 → +442071234567
    {"match": "100", "length": 3, "replace": "+15550100100"}    a number of one's own for another

`match`: how the dialled number begins (default: anything). `length`: how many characters it has (default: any).
`strip`: how many characters go from the front. `prefix`: what is put in front then. `replace`: what stands instead of
the whole.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

MOST_RULES = 50
MOST_CHARACTERS = 32
_DIALLED = re.compile(r"\+?[0-9*#]{0,31}")


class NumberRulesError(ValueError):
    """The text is no list of number rules; says which rule and why."""


class NumberRule(NamedTuple):
    match: str
    length: int | None
    strip: int
    prefix: str
    replace: str | None


def parse_number_rules(text: str) -> tuple[NumberRule, ...]:
    """Raises NumberRulesError."""
    try:
        rows = json.loads(text or "[]")
    except (ValueError, RecursionError):
        raise NumberRulesError("number rules must be a JSON list of objects") from None
    if not isinstance(rows, list) or len(rows) > MOST_RULES:
        raise NumberRulesError(f"number rules must be a JSON list of at most {MOST_RULES} objects")
    return tuple(_rule(row, n) for n, row in enumerate(rows, 1))


def _rule(row: Any, n: int) -> NumberRule:
    if not isinstance(row, dict) or not row.keys() <= set(NumberRule._fields):
        raise NumberRulesError(f"rule {n} must be an object with some of {', '.join(NumberRule._fields)}")
    for name in ("match", "prefix", "replace"):
        value = row.get(name)
        if value is not None and not (isinstance(value, str) and _DIALLED.fullmatch(value)):
            raise NumberRulesError(f"rule {n}: {name} takes digits, *, # and a leading +")
    for name in ("length", "strip"):
        number = row.get(name)
        if number is not None and not (type(number) is int and 0 <= number <= MOST_CHARACTERS):
            raise NumberRulesError(f"rule {n}: {name} must be a whole number up to {MOST_CHARACTERS}")
    rule = NumberRule(
        row.get("match") or "", row.get("length"), row.get("strip") or 0, row.get("prefix") or "", row.get("replace")
    )
    if rule.replace is not None and (rule.strip or rule.prefix):
        raise NumberRulesError(f"rule {n}: replace stands alone, without strip and prefix")
    if rule.replace is None and not rule.strip and not rule.prefix:
        raise NumberRulesError(f"rule {n} changes nothing: it needs strip, prefix or replace")
    return rule


@lru_cache(maxsize=1024)
def _known(text: str) -> tuple[NumberRule, ...]:
    try:
        return parse_number_rules(text)
    except NumberRulesError:
        return ()  # the API refuses such; a call is judged as it was dialled


def apply_number_rules(text: str, dialled: str) -> str:
    """What `dialled` means by the rules in `text`; `dialled` itself where none fits. Never raises."""
    for rule in _known(text):
        if dialled.startswith(rule.match) and rule.length in (None, len(dialled)):
            return rule.prefix + dialled[rule.strip :] if rule.replace is None else rule.replace
    return dialled
