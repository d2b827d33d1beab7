"""A trunk's number rules: the first that fits, strip, prefix and replace."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.number_rules import NumberRulesError, apply_number_rules, parse_number_rules

RULES = json.dumps(
    [
        {"match": "00", "strip": 2, "prefix": "+"},
        {"match": "0", "length": 11, "strip": 1, "prefix": "+44"},
        {"match": "100", "length": 3, "replace": "+15550100100"},
        {"length": 10, "prefix": "+1"},
        {"match": "9", "strip": 1},
    ]
)


@pytest.mark.parametrize(
    ("dialled", "meant"),
    [
        ("00442071234567", "+442071234567"),
        ("02071234567", "+442071234567"),
        ("0207123456", "+10207123456"),
        ("100", "+15550100100"),
        ("1001", "1001"),
        ("5550100123", "+15550100123"),
        ("9+15550100123", "+15550100123"),
        ("+15550100123", "+15550100123"),
        ("", ""),
    ],
)
def test_what_is_dialled_and_what_it_means(dialled, meant):
    assert apply_number_rules(RULES, dialled) == meant


def test_no_rules():
    assert parse_number_rules("") == parse_number_rules("[]") == ()
    assert apply_number_rules("[]", "100") == "100"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON list"),
        ("{}", "JSON list"),
        ("[1]", "rule 1 must be an object"),
        ('[{"match": "1", "strip": 1}, {"mach": "1"}]', "rule 2 must be an object with some of match"),
        ('[{"match": "a", "strip": 1}]', "rule 1: match takes digits"),
        ('[{"prefix": "1+"}]', "rule 1: prefix takes digits"),
        ('[{"prefix": 1}]', "rule 1: prefix takes digits"),
        ('[{"strip": -1}]', "rule 1: strip must be a whole number"),
        ('[{"strip": true}]', "rule 1: strip must be a whole number"),
        ('[{"length": "3", "strip": 1}]', "rule 1: length must be a whole number"),
        ('[{"match": "1"}]', "rule 1 changes nothing"),
        ('[{"replace": "+1", "strip": 1}]', "replace stands alone"),
        (json.dumps([{"strip": 1}] * 51), "at most 50"),
    ],
)
def test_bad_rules_are_told(text, words):
    with pytest.raises(NumberRulesError, match=words):
        parse_number_rules(text)


@given(st.text(max_size=80), st.text(max_size=20))
def test_whatever_stands_in_the_store_a_call_is_judged(text, dialled):
    assert isinstance(apply_number_rules(text, dialled), str)
