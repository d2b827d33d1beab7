"""How a called number becomes E.164, as far as the number itself tells: nobody knows the country of a national one."""

from __future__ import annotations

WAYS_OUT = ("011", "00")
"""International prefixes: North America's, and nearly everybody else's (ITU-T E.164.1 leaves them to each country)."""
SHORTEST_WITH_COUNTRY = 11


def correction(number: str) -> dict[str, str]:
    """Values for the fix templates: `called_e164`, `strip` (leading digits to take away) and `prefix` (what to put
    there instead). Empty where it cannot be told.
    """
    digits = "".join(char for char in number if char.isascii() and char.isdigit())[:32]
    if number.startswith("+") or not digits:
        return {}
    for way_out in WAYS_OUT:
        if digits.startswith(way_out) and len(digits) > len(way_out) + 6:
            return {"called_e164": f"+{digits[len(way_out) :]}", "strip": str(len(way_out)), "prefix": "+"}
    if len(digits) >= SHORTEST_WITH_COUNTRY and digits[0] != "0":
        return {"called_e164": f"+{digits}", "strip": "0", "prefix": "+"}
    return {}
