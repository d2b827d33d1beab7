"""How the rule tests ask: which rules say something about this traffic."""

from __future__ import annotations

from typing import Any

import pytest
from traffic import DEFAULT_URI, trace_of

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.engine import judge, load
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.table import TABLE

ASKED = 'Proxy-Authenticate: Digest realm="sip.twilio.com",nonce="{}",qop="auth"'
Case = tuple[str, str, str, dict[str, Any]]


def asked(nonce: str = "n1") -> str:
    """A Proxy-Authenticate header."""
    return ASKED.format(nonce)


def answer(nonce: str = "n1", uri: str = DEFAULT_URI, user: str = "u", realm: str = "sip.twilio.com") -> str:
    """A Proxy-Authorization header."""
    names = f'username="{user}",realm="{realm}",nonce="{nonce}",uri="{uri}"'
    return f'Proxy-Authorization: Digest {names},response="{"0" * 32}"'


def of_rule(trace: Trace, rule_id: str) -> list[Finding]:
    """What one rule says by itself; a rule that the table would not even load for this trace fails the test."""
    words = TABLE[rule_id]
    found = list(load(rule_id).check(trace))
    assert not found or not words or not facts_of(trace).words.isdisjoint(words), (
        "the table keeps this rule from running"
    )
    return found


def judged(trace: Trace) -> set[str]:
    found = judge(trace)
    assert not trace.capture.damage, trace.capture.damage
    for finding in found:
        rule = load(finding.rule).rule
        assert finding.title == rule.title
        assert finding.what.endswith((".", ")", "!")), finding.what
        assert finding.why.endswith("."), finding.why
        assert finding.reference
    return {finding.rule for finding in found}


def cases(found: list[Case]) -> pytest.MarkDecorator:
    """Parameters `rule_id, positive, negative, how`."""
    return pytest.mark.parametrize(("rule_id", "positive", "negative", "how"), found, ids=[case[0] for case in found])


def both_ways(rule_id: str, positive: str, negative: str, how: dict[str, Any]) -> None:
    """The rule finds the fault in the first traffic, and nothing in the second."""
    assert rule_id in judged(trace_of(positive, **how))
    assert rule_id not in judged(trace_of(negative, **how))
