"""Answers to a carrier's challenge (401, 407), with the HA1 that the carrier's row has: RFC 7616, RFC 8760, RFC 2617.

Made here and not by Kamailio's uac module, whose answer takes a new CSeq in the dialog module only: with this, a call
goes on after a restart (core/hidden_leg.py keeps how far CSeq was moved).
"""

from __future__ import annotations

import hashlib
import re

from trunkline.core.digest import md5_hex
from trunkline.core.routing_data import CarrierRow

_CHALLENGE = re.compile(
    r'(?:^|,)\s*Digest\s+((?:[^"]|"(?:[^"\\]|\\.)*")*?)(?=,\s*(?:Digest|Basic|Bearer)\s|$)', re.IGNORECASE | re.DOTALL
)
_PARAM = re.compile(r'([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_LONGEST = 4096


class Unanswerable(ValueError):
    """The challenge cannot be answered; the text says why."""


def header_name(status: int) -> str:
    """Where the answer to a 401 or 407 goes (RFC 3261 section 22)."""
    return "Authorization" if status == 401 else "Proxy-Authorization"


def answer(challenges: str, carrier: CarrierRow, method: str, uri: str, cnonce: str) -> str:
    """The value of the header. `challenges`: the values of all WWW-Authenticate or Proxy-Authenticate headers, with
    commas between them; of those that fit SHA-256 wins. `uri`: the Request-URI. Raises Unanswerable.
    """
    if carrier.auth_username is None or not carrier.auth_realm or not carrier.auth_ha1_md5:
        raise Unanswerable("no credentials are set for the carrier")
    realms: list[str] = []
    fitting: dict[str, dict[str, str]] = {}
    for params in _read(challenges):
        realms.append(params.get("realm", ""))
        algorithm = params.get("algorithm", "MD5").upper()
        qops = {word.strip().lower() for word in params.get("qop", "").split(",")}
        if realms[-1] == carrier.auth_realm and params.get("nonce") and ({"auth", ""} & qops):
            fitting.setdefault(algorithm, params)
    if not realms:
        raise Unanswerable("it has no Digest challenge")
    for algorithm, ha1 in (("SHA-256", carrier.auth_ha1_sha256), ("MD5", carrier.auth_ha1_md5)):
        if algorithm in fitting and ha1:
            return _value(fitting[algorithm], algorithm, carrier.auth_username, ha1, method, uri, cnonce)
    if carrier.auth_realm not in realms:
        raise Unanswerable(f'its realm is "{realms[0]}", our credentials are for "{carrier.auth_realm}"')
    raise Unanswerable("it asks for another algorithm than MD5 and SHA-256, or for another qop than auth")


def _read(text: str) -> list[dict[str, str]]:
    found = []
    for match in _CHALLENGE.finditer(text[:_LONGEST]):
        items = ((name.lower(), token or quoted) for name, quoted, token in _PARAM.findall(match.group(1)))
        found.append({name: re.sub(r"\\(.)", r"\1", value) for name, value in items})
    return found


def _value(asked: dict[str, str], algorithm: str, username: str, ha1: str, method: str, uri: str, cnonce: str) -> str:
    def hashed(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest() if algorithm == "SHA-256" else md5_hex(text)

    nonce, ha2, count = asked["nonce"], hashed(f"{method}:{uri}"), "00000001"
    parts = [ha1, nonce, count, cnonce, "auth", ha2] if asked.get("qop") else [ha1, nonce, ha2]
    fields = [
        f'username="{_quoted(username)}"',
        f'realm="{_quoted(asked["realm"])}"',
        f'nonce="{_quoted(nonce)}"',
        f'uri="{uri}"',
        f'response="{hashed(":".join(parts))}"',
        f"algorithm={algorithm}",
    ]
    if asked.get("qop"):
        fields += [f'cnonce="{cnonce}"', "qop=auth", f"nc={count}"]
    if asked.get("opaque"):
        fields.append(f'opaque="{_quoted(asked["opaque"])}"')
    return "Digest " + ",".join(fields)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
