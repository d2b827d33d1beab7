"""What docs/analyzer.md shows runs, and docs/analyzer-rules.md says what the rules say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from test_pipeline_fuzz import CAPTURES

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.rules.table import TABLE
from trunkline.cli.rules_reference import parts_of, reference

DOCS = Path(__file__).parents[3] / "docs"
CODE = re.findall(r"```python\n(.*?)```", (DOCS / "analyzer.md").read_text(), re.DOTALL)


@pytest.mark.skipif(not CAPTURES.exists(), reason=f"no captures at {CAPTURES}: the code of docs/analyzer.md is NOT run")
@pytest.mark.parametrize("number", range(len(CODE)))
def test_the_code_of_the_document_runs(number, tmp_path, monkeypatch, capsys):
    shutil.copy(next(CAPTURES.rglob("aaa.pcap")), tmp_path / "call.pcap")
    monkeypatch.chdir(tmp_path)
    exec(compile(CODE[number], "docs/analyzer.md", "exec"), {})
    assert "SDP" in capsys.readouterr().out


def test_the_document_has_code():
    assert len(CODE) == 2


def test_the_rules_are_documented_as_they_are():
    assert (DOCS / "analyzer-rules.md").read_text() == reference(), "stale: run `make docs`"


def test_each_rule_says_what_proves_it_and_what_does_not():
    text = reference()
    for rule_id in TABLE:
        section = text.partition(f"\n## {rule_id}\n")[2].partition("\n## ")[0]
        assert all(f"\n- {name}: " in section for name in ("Severity", "Proof", "Traps", "Fix", "Reference")), rule_id


def test_limits_of_the_document_are_those_of_the_code():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)", (DOCS / "analyzer.md").read_text(), re.MULTILINE))
    limits = Limits()
    known = [name for name in rows if hasattr(limits, name) and "bytes" not in name]
    assert len(known) >= 8
    assert {name: int(rows[name].replace(",", "")) for name in known} == {n: getattr(limits, n) for n in known}


def test_parts_of_a_docstring():
    text = "What.\n\nProof: one\ntwo.\nTraps: three.\nFix: four: five."
    assert parts_of(text) == {"": "What.", "Proof": "one two.", "Traps": "three.", "Fix": "four: five."}
