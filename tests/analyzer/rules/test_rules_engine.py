"""The engine: all rules load, merging, consequences, order, and what a rule that fails does."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from judging import judged
from traffic import trace_of

from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.rules import engine
from trunkline.analyzer.rules.order import by_weight
from trunkline.analyzer.rules.suppression import EFFECTS, REFUSALS, suppress
from trunkline.analyzer.rules.table import TABLE

RULES = Path(engine.__file__).parent
CAPTURES = Path(__file__).parents[4] / "shared" / "captures"
MINE = (
    "CAP",
    "AUTH",
    "NUM",
    "CLI",
    "ROUTE",
    "NET",
    "NAT",
    "DLG",
    "TIMER",
    "REINV",
    "XFER",
    "EARLY",
    "CANCEL",
    "TIME",
    "MALF",
    "SEC",
)
MEDIA = ("SDP", "COD", "DTMF", "SRTP", "MEDIA", "QUAL", "FAX")
FILES = {path.stem for path in RULES.glob("*/*_[0-9][0-9].py")}
WRITTEN = [rule for rule in TABLE if rule.lower().replace("-", "_") in FILES]


def finding(rule: str, *calls: str, severity="critical", confidence="proven", key="k") -> Finding:
    return Finding(rule, severity, confidence, rule, f"{rule}.", "Why.", "RFC", calls=list(calls), merge_key=key)


def test_the_table_has_all_files_and_the_files_all_rules():
    named = {rule.lower().replace("-", "_") for rule in TABLE}
    assert named >= FILES
    assert set(WRITTEN) == set(TABLE)


@pytest.mark.parametrize("rule_id", WRITTEN)
def test_each_rule_says_what_proves_it_what_misleads_and_what_helps(rule_id):
    rule, check = engine.load(rule_id)
    assert rule.id == rule_id
    assert rule.title
    assert rule.reference
    assert rule.fix.endswith(".")
    text = sys.modules[check.__module__].__doc__ or ""
    assert all(word in text for word in ("Proof:", "Traps:", "Fix:")), text


def test_causes_and_effects_name_rules_that_exist():
    assert set(EFFECTS) <= set(TABLE)
    assert {effect for effects in EFFECTS.values() for effect in effects} <= set(TABLE)
    assert set(REFUSALS) <= set(TABLE)


def test_equal_findings_over_calls_are_one():
    merged = engine.merge([finding("NET-01", "c1"), finding("NET-01", "c2"), finding("NET-01", "c2", key="other")])
    assert [one.calls for one in merged] == [["c1", "c2"], ["c2"]]


def test_a_consequence_stands_beneath_its_cause():
    cause, effect, apart = finding("NAT-03", "c1"), finding("DLG-01", "c1"), finding("DLG-01", "c2", key="k2")
    suppress([cause, effect, apart])
    assert (cause.caused_by, effect.caused_by, apart.caused_by) == ("", "NAT-03", "")


def test_causes_come_first_and_remarks_last():
    remark, effect = finding("ROUTE-09", severity="info"), finding("DLG-01")
    effect.caused_by = "NAT-03"
    order = by_weight([remark, effect, finding("TIME-02", severity="warn"), finding("NAT-03")])
    assert [one.rule for one in order] == ["NAT-03", "TIME-02", "ROUTE-09", "DLG-01"]


def test_a_rule_that_fails_is_a_damage_of_the_trace(monkeypatch):
    def broken(trace):
        raise RuntimeError("no")
        yield

    load = engine.load
    monkeypatch.setattr(
        engine, "load", lambda rule: engine.Loaded(load(rule).rule, broken) if rule == "MALF-03" else load(rule)
    )
    trace = trace_of("0 > INVITE\n0.1 < 403\n0.2 > ACK")
    assert engine.judge(trace)
    assert ["MALF-03" in damage.what for damage in trace.capture.damage] == [True]


def test_an_empty_trace_is_judged_in_silence():
    assert judged(trace_of("", capture=Capture(files=trace_of("0 > OPTIONS sip:x").capture.files))) == set()


def test_no_rule_uses_a_regular_expression():
    """Hostile input and backtracking do not meet where there is none."""
    for path in RULES.rglob("*.py"):
        imported = {
            name.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for name in node.names
        }
        assert "re" not in imported, path


@pytest.mark.slow
def test_loading_all_rules_is_cheap():
    code = (
        "import time; from trunkline.analyzer.rules import engine; from trunkline.analyzer.rules.table import TABLE\n"
        f"began = time.process_time()\nfor rule in {WRITTEN!r}: engine.load(rule)\nprint(time.process_time() - began)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=RULES.parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=RULES.parents[2]
    )
    assert float(done.stdout) < 0.25


def truths() -> list[dict]:
    path = CAPTURES / "truth.json"
    return (
        [entry for entry in json.loads(path.read_text()) if (CAPTURES / entry["file"]).is_file()]
        if path.is_file()
        else []
    )


def groups() -> set[str]:
    return set(MINE) | {group for group in MEDIA if any(rule.startswith(group + "-") for rule in WRITTEN)}


def test_real_captures_give_the_rules_that_people_found_in_them():
    if not truths():
        pytest.skip(f"the real captures are not there: {CAPTURES}")
    from trunkline.analyzer.analysis import read_trace

    expected, missing, forbidden = 0, [], []
    for truth in truths():
        trace = read_trace(CAPTURES / truth["file"])
        found = {one.rule for one in engine.judge(trace)}
        assert not trace.capture.damage, (truth["file"], trace.capture.damage)
        wanted = [rule for rule in truth.get("expect_rules", []) if rule.partition("-")[0] in groups()]
        expected += len(wanted)
        missing += [(truth["file"], rule) for rule in wanted if rule not in found]
        forbidden += [(truth["file"], rule) for rule in truth.get("must_not_rules", []) if rule in found]
    assert forbidden == []
    assert len(missing) <= expected / 10, missing
