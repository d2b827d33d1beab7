from __future__ import annotations

import pytest

from trunkline.api.dates import DAY_US, SECOND_US, iso8601, parse_moment, rfc2822

AT = 1_571_418_120_999_999  # 2019-10-18 17:02:00.999999 UTC


def test_rfc2822_as_the_vendor_writes_it():
    assert rfc2822(AT) == "Fri, 18 Oct 2019 17:02:00 +0000"
    assert rfc2822(None) is None


def test_iso8601_has_no_fraction():
    assert iso8601(AT) == "2019-10-18T17:02:00Z"
    assert iso8601(None) is None


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("2019-10-18", AT // DAY_US * DAY_US, DAY_US),
        ("2019-10-18T17:02:00Z", AT // SECOND_US * SECOND_US, SECOND_US),
        ("2019-10-18T19:02:00+02:00", AT // SECOND_US * SECOND_US, SECOND_US),
        ("2019-10-18 17:02:00", AT // SECOND_US * SECOND_US, SECOND_US),
        ("2019-10-18T17:02:00.75Z", AT // SECOND_US * SECOND_US, SECOND_US),
        ("1969-12-31", -DAY_US, DAY_US),
    ],
)
def test_parse_moment(text, start, length):
    assert parse_moment(text) == (start, start + length)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2019-13-01", "2019-1-1", "20191018", "2019-10-18T25:00:00Z", "٢٠١٩-١٠-١٨"]
)
def test_parse_moment_refuses(text):
    with pytest.raises(ValueError, match=r"."):
        parse_moment(text)
