"""What a wrong number should have been."""

from __future__ import annotations

import pytest

from trunkline.analyzer.rules.corrections import correction


@pytest.mark.parametrize(
    ("number", "e164", "strip"),
    [
        ("0049301234567", "+49301234567", "2"),
        ("01149301234567", "+49301234567", "3"),
        ("15551234567", "+15551234567", "0"),
        ("1 (555) 123-4567", "+15551234567", "0"),
    ],
)
def test_what_the_number_itself_tells(number, e164, strip):
    assert correction(number) == {"called_e164": e164, "strip": strip, "prefix": "+"}


@pytest.mark.parametrize("number", ["+15551234567", "5551234567", "0301234567", "911", "", "alice", "00"])
def test_what_cannot_be_told(number):
    assert correction(number) == {}
