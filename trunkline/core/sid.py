"""SIDs: the names of all resources, two capital letters and 32 lower-case hexadecimal digits."""

from __future__ import annotations

import re

PREFIXES: dict[str, str] = {
    "AC": "account",
    "TK": "trunk",
    "OU": "origination URL",
    "CL": "credential list",
    "CR": "credential",
    "AL": "IP access control list",
    "IP": "IP address",
    "PN": "phone number (also a verified caller ID, as the vendor has it)",
    "CA": "call",
    "NO": "alert",
    "CX": "carrier",
    "CF": "carrier rate",
    "CT": "carrier target",
    "CN": "carrier address",
}
"""Prefix to what it names. CX, CT, CN and CF are ours, the others are the vendor's."""

SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
"""Any SID, for `fullmatch`."""

RANDOM_BYTES = 16
"""How many random bytes a SID takes."""


def sid_pattern(prefix: str) -> str:
    """The regular expression of the SIDs with this prefix, unanchored, as the API's schema wants it."""
    if prefix not in PREFIXES:
        raise ValueError(f"unknown SID prefix {prefix!r}: use one of {', '.join(PREFIXES)}")
    return prefix + "[0-9a-f]{32}"


def is_sid(text: str, prefix: str | None = None) -> bool:
    """Whether `text` is a SID (with that prefix, when one is given)."""
    return SID.fullmatch(text) is not None and (prefix is None or text.startswith(prefix))


def new_sid(prefix: str, random_bytes: bytes) -> str:
    """A new SID from 16 bytes that the caller drew (core has no dice of its own)."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"a SID takes {RANDOM_BYTES} random bytes, not {len(random_bytes)}")
    return new_sids(prefix, random_bytes)[0]


def new_sids(prefix: str, random_bytes: bytes) -> list[str]:
    """As many new SIDs as 16 bytes each make."""
    if prefix not in PREFIXES:
        raise ValueError(f"unknown SID prefix {prefix!r}: use one of {', '.join(PREFIXES)}")
    if len(random_bytes) % RANDOM_BYTES:
        raise ValueError(f"a SID takes {RANDOM_BYTES} random bytes: {len(random_bytes)} are no multiple of that")
    digits, size = random_bytes.hex(), 2 * RANDOM_BYTES
    return [prefix + digits[at : at + size] for at in range(0, len(digits), size)]
