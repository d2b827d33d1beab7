from __future__ import annotations

import pytest

from trunkline.core.event_fields import name, number, optional_number, q850_number, text, time_us, unhex


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("Jörg", "Jörg"), (None, ""), ("a\x00b\r\n", "a?b??"), ("\ud800", "?"), ("x" * 600, "x" * 512), ("", "")],
)
def test_text(sent: str | None, kept: str) -> None:
    assert text(sent) == kept
    kept.encode()


def test_no_name_is_none() -> None:
    assert (name(None), name(""), name("AC1")) == (None, "", "AC1")


def test_time() -> None:
    assert time_us(1_760_000_000.123456) == 1_760_000_000_123_456
    for impossible in (0, -1, float("nan"), float("inf"), 1e12):
        with pytest.raises(ValueError, match="at "):
            time_us(impossible)


def test_number() -> None:
    assert (number("200", 100, 699), number(200, 100, 699), optional_number(None)) == (200, 200, None)
    for impossible in (99, "700", "1e3", ""):
        with pytest.raises(ValueError, match=r"."):
            number(impossible, 100, 699)


@pytest.mark.parametrize(("sent", "cause"), [(16, 16), ("16", 16), (0, None), (128, None), ("x", None), (None, None)])
def test_q850_number(sent: object, cause: int | None) -> None:
    assert q850_number(sent) == cause


def test_unhex() -> None:
    assert (unhex(None), unhex(""), unhex("41ff")) == ("", "", "A\ufffd")
    with pytest.raises(ValueError, match="hex"):
        unhex("4")
