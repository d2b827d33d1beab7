from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.e164 import from_carrier, is_e164, suggestion


@pytest.mark.parametrize("text", ["+1555010", "+15550100001", "+999999999999999"])
def test_e164(text):
    assert is_e164(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "15550100001",
        "+05550100001",
        "+155501",
        "+1" + "0" * 15,
        "+1 555 010 0001",
        "+1555010\n",
        "+1555010x",
        "+1555010;ext=1",
        "00441234567",
        "\uff0b15550100001",
        "+1\u0665550100001",
    ],
)
def test_not_e164(text):
    assert not is_e164(text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+15550100001", "+15550100001"),
        ("15550100001", "+15550100001"),
        ("0015550100001", "+15550100001"),
        ("+1-555-010.0001", "+15550100001"),
        ("+15550100001;npdi;rn=+15550100000", "+15550100001"),
        ("anonymous", None),
        ("", None),
        ("05550100001", None),
    ],
)
def test_from_carrier(written, meant):
    assert from_carrier(written) == meant


@pytest.mark.parametrize(
    ("written", "guess"),
    [
        ("011442071234567", "+442071234567"),
        ("00442071234567", "+442071234567"),
        ("442071234567", "+442071234567"),
        ("+1 (555) 010-0001", "+15550100001"),
        ("5550100001", None),
        ("100", None),
        ("+15550100001", None),
        ("asterisk-dialler", None),
    ],
)
def test_suggestion(written, guess):
    assert suggestion(written) == guess


@given(st.text(max_size=40))
def test_no_text_raises_and_what_comes_out_is_e164(text):
    for read in (from_carrier, suggestion):
        number = read(text)
        assert number is None or is_e164(number)
