"""Runs the rules over a trace: gates, merges, suppresses, orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple

from trunkline.analyzer.garbage import no_collection
from trunkline.analyzer.model.capture import Damage
from trunkline.analyzer.model.finding import Finding, Fix
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules import credentials, uris
from trunkline.analyzer.rules.facts import Facts, facts_of
from trunkline.analyzer.rules.order import by_weight
from trunkline.analyzer.rules.provider_word import provider_findings
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.suppression import suppress
from trunkline.analyzer.rules.table import TABLE
from trunkline.analyzer.rules.values import split_uri
from trunkline.analyzer.sip import kept
from trunkline.pbx.topics import RULE_TOPICS

MOST_EVIDENCE = 12
"""Of one finding: beyond that nobody reads."""
MOST_OF_ONE_RULE = 50_000
"""Findings before merging: a flood of broken messages must not become a flood of findings."""


class Loaded(NamedTuple):
    """One rule, imported."""

    rule: Rule
    check: Callable[[Trace], Iterator[Finding]]


def load(rule_id: str) -> Loaded:
    """The rule of this id. Raises KeyError for one that does not exist."""
    if rule_id not in TABLE:
        raise KeyError(rule_id)
    module = import_module(module_name(rule_id))
    return Loaded(module.RULE, module.check)


def module_name(rule_id: str) -> str:
    """`AUTH-01` lives in `rules/auth/auth_01.py`."""
    group = rule_id.partition("-")[0].lower()
    return f"{__package__}.{group}.{rule_id.lower().replace('-', '_')}"


def judge(trace: Trace) -> list[Finding]:
    """All findings, merged over calls, consequences marked with their cause, causes first. A rule that fails is a
    `Damage` of the trace, not an error.
    """
    with no_collection():
        try:
            facts = facts_of(trace)
            found = list(provider_findings(trace, load))
            for rule_id, words in TABLE.items():
                if not words or not facts.words.isdisjoint(words):
                    found += _run(trace, facts, rule_id)
        finally:
            credentials.forget()
            uris.forget()
            split_uri.cache_clear()
            kept.forget()
    merged = merge(found)
    for finding in merged:
        _with_fix(finding)
    return by_weight(suppress(merged))


def _run(trace: Trace, facts: Facts, rule_id: str) -> list[Finding]:
    try:
        rule, check = load(rule_id)
        if not has_needs(trace, facts, rule):
            return []
        found: list[Finding] = []
        for finding in check(trace):
            found.append(finding)
            if len(found) >= MOST_OF_ONE_RULE:
                break
        return found
    except Exception as error:
        import logging  # takes a tenth of a small file's time, and is hardly ever needed

        logging.getLogger(__name__).debug("rule %s failed", rule_id, exc_info=True)
        trace.capture.damage.append(
            Damage(0, f"rule {rule_id} could not judge this input ({type(error).__name__}); the other rules did")
        )
        return []


def has_needs(trace: Trace, facts: Facts, rule: Rule) -> bool:
    """Whether the trace can answer what the rule asks."""
    there = {
        "time": trace.start is not None,
        "addresses": any(message.src is not None for message in trace.messages) or "media" in facts.words,
        "both_directions": not trace.one_sided,
        "media": trace.media.captured,
    }
    return all(there[need] for need in rule.needs)


def merge(findings: list[Finding]) -> list[Finding]:
    """Findings of one rule with the same key and confidence become one, with all calls; the gravest severity wins."""
    merged: dict[tuple[str, str, str], Finding] = {}
    count: dict[tuple[str, str, str], int] = {}
    calls: dict[tuple[str, str, str], dict[str, None]] = {}
    for finding in findings:
        key = finding.rule, finding.merge_key, finding.confidence
        first = merged.setdefault(key, finding)
        calls.setdefault(key, dict.fromkeys(first.calls))
        count[key] = count.get(key, 0) + 1
        if first is finding:
            continue
        calls[key].update(dict.fromkeys(finding.calls))
        first.evidence += finding.evidence[: max(0, MOST_EVIDENCE - len(first.evidence))]
        first.fix_values = finding.fix_values | first.fix_values
        if GRAVITY[finding.severity] > GRAVITY[first.severity]:
            first.severity, first.what = finding.severity, finding.what
    for place, finding in merged.items():
        finding.evidence = finding.evidence[:MOST_EVIDENCE]
        finding.calls = list(calls[place])
        if count[place] > 1:
            finding.what += f" (Seen {count[place]} times; these are the values of one.)"
    return list(merged.values())


GRAVITY = {"info": 0, "warn": 1, "security": 2, "critical": 3}


def _with_fix(finding: Finding) -> None:
    """The rule's own sentence where `trunkline.pbx` has no topic for it; the report adds the settings of the PBX."""
    if finding.fixes or finding.rule in RULE_TOPICS:
        return
    rule = load(finding.rule).rule
    if rule.fix:
        finding.fixes.append(Fix("any", rule.title, text=rule.fix))
