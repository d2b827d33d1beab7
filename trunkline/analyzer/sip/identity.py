"""The PASSporT of an Identity header (RFC 8224, RFC 8225, RFC 8588), read, and not verified."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from trunkline.analyzer.sip.address import params_of

_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Passport:
    """What one Identity header says."""

    header: dict[str, Any]
    claims: dict[str, Any]
    algorithm: str
    type: str
    """`ppt`: `shaken`, `div`, `rph`; empty: a plain PASSporT."""
    certificate_url: str
    """From `info`, else `x5u`."""
    issued_at: int | None
    """Unix seconds."""
    originating: str
    """Number or URI."""
    destinations: tuple[str, ...]
    attestation: str
    """`A`, `B`, `C` or empty."""
    origination_id: str
    problems: tuple[str, ...]
    """What is wrong with its form, in words."""


def read_passport(value: str) -> Passport:
    """Never raises; a value that cannot be read has `problems` and is empty else. `value`: of the Identity header."""
    text, _, rest = value[:_LONGEST].partition(";")
    params = params_of(rest)
    problems: list[str] = []
    parts = text.strip().split(".")
    if len(parts) != 3:
        problems.append("it is not of the form header.claims.signature")
        parts = [*parts, "", "", ""][:3]
    # Compact form (RFC 8225 section 7): header and claims are left out, the receiver makes them itself.
    compact = not parts[0] and not parts[1] and bool(parts[2])
    header = {} if compact else _object(parts[0], "header", problems)
    claims = {} if compact else _object(parts[1], "claims", problems)
    if not parts[2]:
        problems.append("there is no signature")
    issued = claims.get("iat")
    if not compact and not (isinstance(issued, int) and not isinstance(issued, bool)):
        problems.append("iat is missing or no number")
        issued = None
    ppt = header.get("ppt") or params.get("ppt") or ""
    return Passport(
        header=header,
        claims=claims,
        algorithm=str(header.get("alg") or params.get("alg") or ""),
        type=str(ppt),
        certificate_url=(params.get("info") or "").strip("<>") or str(header.get("x5u") or ""),
        issued_at=issued,
        originating=_names(claims.get("orig"))[0] if _names(claims.get("orig")) else "",
        destinations=_names(claims.get("dest")),
        attestation=str(claims.get("attest") or ""),
        origination_id=str(claims.get("origid") or ""),
        problems=tuple(problems),
    )


def _object(part: str, what: str, problems: list[str]) -> dict[str, Any]:
    try:
        raw = base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError):
        problems.append(f"its {what} is no base64url of JSON")
        return {}
    if not isinstance(found, dict):
        problems.append(f"its {what} is no JSON object")
        return {}
    return found


def _names(claim: Any) -> tuple[str, ...]:
    """`{"tn": "1"}` or `{"tn": ["1", "2"], "uri": [...]}` to the names, numbers first."""
    if not isinstance(claim, dict):
        return ()
    found: list[str] = []
    for key in ("tn", "uri"):
        value = claim.get(key)
        found += [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []
    return tuple(found)
