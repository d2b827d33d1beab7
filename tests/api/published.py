"""The vendor's published operations (../shared/api/operations.json), and which of them our routes answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Match

from trunkline.api.app import RESOURCES
from trunkline.api.dispatch import canonical_path

OPERATIONS = Path(__file__).resolve().parents[3] / "shared" / "api" / "operations.json"

REFUSED_ON_PURPOSE = {
    "CreateValidationRequest": "no caller ID is verified by a call; the operator declares it (/trunkline/v1/CallerIds)",
}
"""Operations that have a route only to say, in one clear error, that they are not offered."""


@dataclass(frozen=True)
class Operation:
    product: str
    mark: str
    name: str
    method: str
    path: str
    status: int
    parameters: tuple[dict[str, Any], ...]
    response: dict[str, dict[str, Any]]

    @property
    def list_key(self) -> str | None:
        """Of a list: the name of its rows."""
        paged = {"meta", "next_page_uri"} & set(self.response)
        return next(key for key, value in self.response.items() if value.get("type") == "array") if paged else None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations() -> list[Operation]:
    if not OPERATIONS.exists():
        pytest.skip(
            "the published operations are missing: ../shared/api/operations.json beside the checkout",
            allow_module_level=True,  # parameters are made from them while pytest collects
        )
    return [
        Operation(
            found["product"], found["mark"], found["operation"], found["method"], found["path"], found["status"],
            tuple(found["parameters"]), found["response"] or {},
        )
        for found in json.loads(OPERATIONS.read_text())
    ]  # fmt: skip


def has_route(operation: Operation) -> bool:
    path = canonical_path(re.sub(r"\{\w+\}", "XX" + "0" * 32, operation.path))
    scope = {"type": "http", "method": operation.method, "path": path, "headers": [], "root_path": ""}
    routes = [route for resource in RESOURCES for route in resource.router.routes]
    blanks = operation.path.count("{")  # …/IncomingPhoneNumbers/Local.json is not …/IncomingPhoneNumbers/{Sid}.json
    matches = [route.matches(scope) for route in routes]
    return any(match is Match.FULL and len(found["path_params"]) == blanks for match, found in matches)


def offered() -> list[Operation]:
    return [each for each in operations() if has_route(each) and each.name not in REFUSED_ON_PURPOSE]


def problem(value: Any, schema: dict[str, Any]) -> str | None:
    """Why a value is not of its published kind; None where it is."""
    if value is None:
        return None if schema.get("nullable") or "enum" in schema else "null where null is not published"
    kinds = {
        "string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float),
    }  # fmt: skip
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{value!r} is not {kind}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{value!r} does not match {schema['pattern']}"
    if "properties" in schema and isinstance(value, dict) and set(value) != set(schema["properties"]):
        return f"has {sorted(value)}, published are {sorted(schema['properties'])}"
    dates = {
        "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "date-time-rfc-2822": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
        "uri": r"(https?:/)?/\S+|sips?:\S+",
    }
    expected = dates.get(schema.get("format", ""))
    return f"{value!r} is no {schema['format']}" if expected and not re.fullmatch(expected, value) else None
