"""The JSON report against its schema, on calls of our own and on the real captures."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import hostile_call
import pytest

from trunkline.analyzer import analyze
from trunkline.analyzer.report.json_report import SCHEMA, dumps

CAPTURES = Path(__file__).parents[4] / "shared" / "captures"
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def schema():
    return json.loads((files("trunkline.analyzer.report") / "schema.json").read_text())


def check(value, rule, whole, where="$"):
    """As much of JSON Schema as the file uses, and a refusal of what it does not know."""
    unknown = set(rule) - {
        "$schema", "$id", "$defs", "$ref", "title", "description", "type", "required", "properties", "items", "enum",
        "const", "pattern", "minimum",
    }  # fmt: skip
    assert not unknown, f"{where}: the checker does not know {unknown}"
    if "$ref" in rule:
        return check(value, whole["$defs"][rule["$ref"].rpartition("/")[2]], whole, where)
    if "type" in rule:
        wanted = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        assert any(
            isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name != "boolean") for name in wanted
        ), f"{where}: {value!r} is no {wanted}"
    assert value == rule.get("const", value), where
    assert "enum" not in rule or value in rule["enum"], f"{where}: {value!r}"
    assert "pattern" not in rule or re.search(rule["pattern"], value), f"{where}: {value!r}"
    assert "minimum" not in rule or value >= rule["minimum"], where
    if isinstance(value, dict) and "properties" in rule:
        assert set(rule["required"]) == set(rule["properties"]) == set(value), f"{where}: {set(value)}"
        for name, inner in value.items():
            check(inner, rule["properties"][name], whole, f"{where}.{name}")
    if isinstance(value, list):
        for number, inner in enumerate(value):
            check(inner, rule["items"], whole, f"{where}[{number}]")
    return None


@pytest.mark.parametrize("packets", [hostile_call.ordinary(), hostile_call.hostile()], ids=["ordinary", "hostile"])
def test_the_report_is_as_the_schema_says(packets):
    report = json.loads(dumps(analyze(hostile_call.pcap(packets))))
    check(report, schema(), schema())
    assert report["schema"] == SCHEMA


def test_counts_and_streams_are_those_of_the_call():
    report = json.loads(dumps(analyze(hostile_call.pcap(hostile_call.ordinary()))))
    assert report["sip"] == {"messages": 7, "calls": 1}
    (stream,) = report["streams"]
    assert (stream["ssrc"], stream["src"], stream["dst"]) == ("0xdecafbad", "81.2.69.160:18000", "192.168.7.20:17000")
    assert (stream["packets"], stream["lost"], stream["duplicates"], stream["codec"]) == (200, 0, 0, "PCMU")
    assert stream["call"] == report["calls"][0]["id"]


def test_the_report_is_ascii():
    assert dumps(analyze(hostile_call.pcap(hostile_call.hostile()))).isascii()


@pytest.mark.parametrize("path", sorted(CAPTURES.rglob("*.pcap*")), ids=lambda path: path.name)
def test_real_captures_are_as_the_schema_says(path):
    check(json.loads(dumps(analyze(path))), schema(), schema())


def test_the_real_captures_are_there():
    if not CAPTURES.is_dir():
        pytest.skip("no ../shared/captures beside the checkout: the reports were not tried on real captures")
    assert list(CAPTURES.rglob("*.pcap*"))
