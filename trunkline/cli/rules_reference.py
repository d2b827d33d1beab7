"""docs/analyzer-rules.md, from the rules themselves: `make docs`, or
`python -m trunkline.cli.rules_reference > docs/analyzer-rules.md`.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module

from trunkline.analyzer.rules.engine import load, module_name
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.table import TABLE

HEAD = """\
# The rules of the trace analyzer

Written by `make docs` from the rule files (`trunkline/analyzer/rules`); a test fails when it is stale. Proof: what must
be in the trace for the finding. Traps: what looks alike and is none. The severity is the usual one; a finding may have
another where the trace says how grave it is, and states its own confidence.
"""
SEVERITIES = {"critical": "critical", "warn": "warning", "info": "note", "security": "security"}
PARTS = ("Proof", "Traps", "Trap", "Fix")


def reference() -> str:
    """The whole file."""
    parts = [HEAD, "\n| rule | what | severity |\n| --- | --- | --- |\n"]
    rules = {rule_id: load(rule_id).rule for rule_id in TABLE}
    for rule_id, rule in rules.items():
        parts.append(f"| [{rule_id}](#{rule_id.lower()}) | {_cell(rule.title)} | {SEVERITIES[rule.severity]} |\n")
    parts += [_section(rule) for rule in rules.values()]
    return "".join(parts)


def _section(rule: Rule) -> str:
    said = parts_of(inspect.getdoc(import_module(module_name(rule.id))) or "")
    rows = [("Severity", SEVERITIES[rule.severity]), ("Proof", said.get("Proof", ""))]
    rows += [("Traps", said.get("Traps") or said.get("Trap", "")), ("Fix", rule.fix or said.get("Fix", ""))]
    rows += [("Needs", ", ".join(rule.needs).replace("_", " ")), ("Reference", rule.reference)]
    lines = "".join(f"- {name}: {_cell(text)}\n" for name, text in rows if text)
    return f"\n## {rule.id}\n\n**{_cell(rule.title)}.** {_cell(said['']).rstrip()}\n\n{lines}"


def parts_of(text: str) -> dict[str, str]:
    """The docstring of a rule by its parts; the sentence ahead of them under the empty name."""
    found: dict[str, str] = {"": ""}
    current = ""
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        begins = bool(colon) and name in PARTS
        current = name if begins else current
        found[current] = f"{found.get(current, '')} {(rest if begins else line).strip()}".strip()
    return found


def _cell(text: str) -> str:
    """Text that Markdown leaves alone: `<` and `|` are no markup."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def main() -> int:
    sys.stdout.write(reference())
    return 0


if __name__ == "__main__":
    sys.exit(main())
