"""Which Diversion entries of a customer reach a carrier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.diversion import checked, entries

OURS = frozenset(("acme.pstn.twilio.com", "203.0.113.5"))
OWNED = "+15550100001"


def what_is_kept(value: str) -> tuple[str, ...] | None:
    return checked(value, OURS.__contains__, {OWNED}.__contains__, "203.0.113.5")


@pytest.mark.parametrize(
    "value",
    [
        f"<sip:{OWNED}@acme.pstn.twilio.com>;reason=unconditional",
        f'"Desk, 2nd floor" <sip:{OWNED}@203.0.113.5>',
        "<sip:+19005550100@other.example>;reason=user-busy",
        f"<sip:{OWNED};npdi@203.0.113.5>",
        "<tel:+19005550100>",
        "sip:100@10.0.0.1;reason=no-answer",
        "<sip:pbx.example>",
        "",
    ],
)
def test_all_may_go_on(value: str) -> None:
    assert what_is_kept(value) is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("<sip:+19005550100@acme.pstn.twilio.com>", ()),
        ("<sip:%2B19005550100@203.0.113.5>", ()),
        ("<sip:203.0.113.5>", ()),
        ("<sip:+19005550100@203.0.113.5:9999;user=phone>;reason=x", ()),
        ("rubbish", ()),
        ("<sip:a@b", ()),
        (
            f"<sip:+1@203.0.113.5>, <sip:{OWNED}@203.0.113.5>;reason=x,sip:al%20x@10.0.0.1;reason=y, <sip:h>,<tel:1>",
            (
                f"<sip:{OWNED}@203.0.113.5>;reason=x",
                "<sip:al%20x@203.0.113.5>;reason=y",
                "<sip:203.0.113.5>",
                "<tel:1>",
            ),
        ),
    ],
)
def test_a_number_of_somebody_else_in_our_name_does_not(value: str, kept: tuple[str, ...]) -> None:
    assert what_is_kept(value) == kept


def test_entries_of_one_header() -> None:
    assert entries(r'"a, \" b" <sip:a,b@c>;x="1,2" ,, <sip:d>') == [r'"a, \" b" <sip:a,b@c>;x="1,2"', "<sip:d>"]


@given(st.text(alphabet='<>@",;:\\\\%sip+1.a \x00é', max_size=60))
def test_no_text_raises(value: str) -> None:
    what_is_kept(value)
