"""Parameters of a request: read once, strictly, as text; then turned into values by named fields.

The published API takes `application/x-www-form-urlencoded`. Our own resources take JSON too: its `snake_case` keys are
read as the `CamelCase` names of the form, so that a resource has one list of fields. Bytes that are not UTF-8, NUL and
other control characters are refused here, before anything reaches the database (PostgreSQL stores no NUL).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from trunkline.api.api_error import ApiError
from trunkline.api.limits import BODY_BYTES, PARAMETERS

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"


class Params:
    """Parameters by name; a repeated one keeps all its values."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def get(self, name: str) -> str | None:
        """The last value, or None where the parameter was not sent. Sent empty is ''."""
        values = self._values.get(name)
        return values[-1] if values else None

    def required(self, name: str) -> str:
        value = self.get(name)
        if value is None or value == "":
            raise ApiError(20001, f"Missing required parameter {name}")
        return value

    def names(self) -> list[str]:
        return list(self._values)

    def pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self._values.items() for value in values]

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """For our own resources: a misspelt name must not be lost in silence."""
        allowed = sorted(known)
        for name in self._values:
            if name not in allowed:
                raise ApiError(20001, f"Unknown parameter {name}; this resource has {', '.join(allowed)}")


async def read_params(request: Request) -> Params:
    """The query of a GET, the body of a POST or PUT. Raises ApiError 20001 (400, 413 or 415)."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return Params(parse_urlencoded(request.scope["query_string"], "query"))
    body = await _read_body(request)
    content_type = request.headers.get("content-type", FORM_TYPE).split(";")[0].strip().lower()
    if not body:
        return Params(())
    if content_type == FORM_TYPE:
        return Params(parse_urlencoded(body, "body"))
    if content_type == JSON_TYPE and request.scope["path"].startswith("/trunkline/"):
        return Params(parse_json(body))
    raise ApiError(20001, f"Send the parameters as {FORM_TYPE}, not as {content_type}", http_status=415)


async def _read_body(request: Request) -> bytes:
    too_long = ApiError(20001, f"The body is longer than {BODY_BYTES} bytes", http_status=413)
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > BODY_BYTES:
        raise too_long
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise too_long
    return bytes(body)


def parse_urlencoded(raw: bytes, where: str) -> list[tuple[str, str]]:
    """`A=1&B=%C3%A9` → pairs. Raises ApiError 20001 for what is not UTF-8 or holds control characters."""
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS)
    except UnicodeDecodeError as error:
        raise ApiError(20001, f"The {where} holds bytes that are not UTF-8") from error
    except ValueError as error:
        raise ApiError(20001, f"The {where} holds more than {PARAMETERS} parameters") from error
    for name, value in pairs:
        _refuse_control(name, value)
    return pairs


def parse_json(raw: bytes) -> list[tuple[str, str]]:
    """`{"friendly_name": "x", "enabled": true, "trunk_sid": null}` → pairs with the form's names; null is ''."""
    try:
        decoded = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ApiError(20001, "The body is not JSON in UTF-8") from error
    if not isinstance(decoded, Mapping):
        raise ApiError(20001, "The body must be one JSON object")
    pairs = [(_form_name(name), _json_text(name, value)) for name, value in decoded.items()]
    for name, value in pairs:
        _refuse_control(name, value)
    return pairs


def _form_name(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _json_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ApiError(20001, f"{name} must be text, a number, true, false or null")


def _refuse_control(name: str, value: str) -> None:
    for text in (name, value):
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
            shown = re.sub(r"[^\w<>.-]", "?", name)[:64]
            raise ApiError(20001, f"Parameter {shown} holds a control character")
