"""Where a number leads, what is open, and what a short dialled text is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.destination import (
    COUNTRIES,
    destination,
    high_risk_prefixes,
    is_emergency,
    is_open,
    is_scope,
    is_short_code,
)


@pytest.mark.parametrize(
    ("number", "iso", "kind"),
    [
        ("+12125550123", "US", "low"),
        ("+18765550123", "JM", "low"),
        ("+19005550123", "US", "special"),
        ("+442071234567", "GB", "low"),
        ("+449098790123", "GB", "special"),
        ("+441624670000", "IM", "low"),
        ("+4930123456", "DE", "low"),
        ("+49900123456", "DE", "special"),
        ("+35818123456", "AX", "low"),
        ("+358912345678", "FI", "low"),
        ("+77011234567", "KZ", "low"),
        ("+74951234567", "RU", "low"),
        ("+881612345678", None, "tollfraud"),
        ("+97912345678", None, "tollfraud"),
        ("+5312345678", "CU", "tollfraud"),
        ("+9991234567", None, "tollfraud"),
    ],
)
def test_where_a_number_leads(number, iso, kind):
    found = destination(number)
    assert (found.iso, found.kind) == (iso, kind)


@pytest.mark.parametrize(
    ("number", "rules", "allowed"),
    [
        ("+4930123456", {}, True),
        ("+4930123456", {"low:DE": False}, False),
        ("+4930123456", {"low:DE": False, "+4930": True}, True),
        ("+4930123456", {"+49": True, "+4930": False}, False),
        ("+4930123456", {"+4930123456": True, "+4930": False}, True),
        ("+49900123456", {}, False),
        ("+49900123456", {"special:DE": True}, True),
        ("+49900123456", {"tollfraud:DE": True, "low:DE": True}, False),
        ("+881612345678", {}, False),
        ("+881612345678", {"+881": True}, True),
        ("+881612345678", {"+882": True}, False),
    ],
)
def test_what_is_open(number, rules, allowed):
    assert is_open(destination(number), number, rules) is allowed


def test_no_two_countries_have_one_prefix():
    prefixes = [prefix for country in COUNTRIES.values() for prefix in country.prefixes]
    assert len(prefixes) == len(set(prefixes))
    assert len(COUNTRIES) > 220


def test_high_risk_prefixes_are_the_countrys_own():
    assert "+49900" in high_risk_prefixes("DE", "special")
    assert all(prefix.startswith("+44") for prefix in high_risk_prefixes("GB", "special"))
    assert high_risk_prefixes("CU", "tollfraud") == ["+53"]


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_every_number_leads_somewhere(number):
    assert destination(number).name


@pytest.mark.parametrize("dialled", ["112", "911", "999", "933", "+112", "+911"])
def test_emergency(dialled):
    assert is_emergency(dialled)


@pytest.mark.parametrize("dialled", ["+1911", "9112", "100", "", "+", "+4930112"])
def test_no_emergency(dialled):
    assert not is_emergency(dialled)


def test_short_codes():
    assert all(map(is_short_code, ("411", "988", "116117", "118118", "11833")))
    assert not any(map(is_short_code, ("100", "41", "1161170", "+116117", "", "11x3")))


@pytest.mark.parametrize("scope", ["+1", "+4930", "low:DE", "special:GB", "tollfraud:CU"])
def test_scopes(scope):
    assert is_scope(scope)


@pytest.mark.parametrize("scope", ["", "+", "+0", "49", "low:XX", "low:de", "high:DE", "+49 30", "+1234567890123456"])
def test_no_scopes(scope):
    assert not is_scope(scope)
