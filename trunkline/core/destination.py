"""Where a number leads, and whether an account may call there (docs/operations.md, "Destinations").

Every number is `low` (an ordinary number of a country), `special` (premium rate within a country) or `tollfraud` (a
range that fraud earns money with). The first is open and the others are closed, until the account's own rules say
otherwise. A rule is a scope with yes or no:

    +4930       every number that begins so; the longest such rule counts, and counts before the others
    low:DE      all of a kind in a country, by its ISO code; `special:` and `tollfraud:` likewise
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from trunkline.core.country_codes import COUNTRY_LINES
from trunkline.core.e164 import MAX_DIGITS
from trunkline.core.high_risk_ranges import HIGH_RISK_LINES

Kind = Literal["low", "special", "tollfraud"]
KINDS: tuple[Kind, ...] = ("low", "special", "tollfraud")
OPEN_BY_DEFAULT: frozenset[Kind] = frozenset(("low",))

EMERGENCY = frozenset(
    ("112", "911", "999", "000", "110", "118", "119", "111", "108", "066", "190", "192", "193", "933")
)
"""Numbers of police, fire brigade and ambulance that phones dial without a country (3GPP TS 22.101 section 10.1 and
national plans), and 933, where North America tests 911."""
SHORT = frozenset(("101", "105", "115", "116", "211", "311", "411", "511", "611", "711", "811", "988"))
"""Services behind three digits: North America's N11 codes and 988, the police that is no emergency, authorities."""
SHORT_SERIES = ("116", "118")
"""Four to six digits that begin so: services of social value of the European Union (116117), directories (118118)."""


class Country(NamedTuple):
    iso: str
    continent: str
    prefixes: tuple[str, ...]
    """Digits behind the plus sign."""
    name: str


class Destination(NamedTuple):
    iso: str | None
    """None: no country's (satellites, international networks)."""
    kind: Kind
    name: str
    """Of the country, or what the range is."""


def _countries() -> dict[str, Country]:
    rows = [line.split("|") for line in COUNTRY_LINES.split("\n") if line]
    return {iso: Country(iso, continent, tuple(codes.split()), name) for iso, continent, codes, name in rows}


COUNTRIES: Mapping[str, Country] = _countries()
"""By ISO code."""


def _by_prefix() -> dict[str, Destination]:
    table = {
        code: Destination(country.iso, "low", country.name)
        for country in COUNTRIES.values()
        for code in country.prefixes
    }
    for line in HIGH_RISK_LINES.split("\n"):
        if line:
            prefix, kind, name = line.split("|")
            country = _longest(prefix, table)
            table[prefix] = Destination(country.iso if country else None, _KINDS[kind], name)
    return table


_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


def _longest(digits: str, table: Mapping[str, Destination]) -> Destination | None:
    for length in range(min(len(digits), LONGEST_PREFIX), 0, -1):
        found = table.get(digits[:length])
        if found is not None:
            return found
    return None


LONGEST_PREFIX = 7
_DESTINATIONS = _by_prefix()
_NOWHERE = Destination(None, "tollfraud", "a code that no country has")


def destination(number: str) -> Destination:
    """Where a +E.164 number leads. A code that is nobody's is closed like the other doubtful ones."""
    return _destination(number[1 : LONGEST_PREFIX + 1])


@lru_cache(maxsize=4096)
def _destination(digits: str) -> Destination:
    """By as many digits as matter: calls go to few places."""
    return _longest(digits, _DESTINATIONS) or _NOWHERE


def high_risk_prefixes(iso: str, kind: Kind) -> list[str]:
    """`+`-prefixes of this kind in a country, sorted."""
    return sorted(f"+{prefix}" for prefix, found in _DESTINATIONS.items() if found.iso == iso and found.kind == kind)


def is_open(where: Destination, number: str, rules: Mapping[str, bool]) -> bool:
    """Whether an account with these rules may call `number` (+E.164), which leads to `where`."""
    if rules:
        for length in range(min(len(number), MAX_DIGITS + 1), 1, -1):
            own = rules.get(number[:length])
            if own is not None:
                return own
        own = rules.get(f"{where.kind}:{where.iso}")
        if own is not None:
            return own
    return where.kind in OPEN_BY_DEFAULT


_SCOPE = re.compile(r"\+[1-9][0-9]{0,14}|(?:low|special|tollfraud):[A-Z]{2}")


def is_scope(text: str) -> bool:
    """Whether this can stand in a rule."""
    return bool(_SCOPE.fullmatch(text)) and (text[0] == "+" or text[-2:] in COUNTRIES)


def is_emergency(user: str) -> bool:
    """Whether the dialled text is an emergency number, with or without a plus sign that a PBX put in front."""
    return user.removeprefix("+") in EMERGENCY


def is_short_code(user: str) -> bool:
    """Whether the dialled text is a service of one country or network and no number; an extension (100) is neither."""
    return user in SHORT or (4 <= len(user) <= 6 and user.startswith(SHORT_SERIES) and user.isdecimal())
