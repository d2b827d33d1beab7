"""For how long a carrier that says 503 with Retry-After gets no calls."""

from __future__ import annotations

import pytest

from trunkline.core.carrier_rest import LONGEST_REST, rest_seconds
from trunkline.core.failover import Failure

BUSY = Failure(503, "Service Unavailable", replied=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("18000;duration=3600", LONGEST_REST),
        ("120 (I'm in a meeting)", 120),
        ("60 (a (nested) comment);duration=5", 60),
        ("4294967295", LONGEST_REST),
        ("0", 0),
        ("", 0),
        (None, 0),
        ("soon", 0),
        ("-5", 0),
        ("3.5", 0),
        ("1e2", 0),
        ("99999999999999999999", 0),
        ("Fri, 01 Jan 2027 00:00:00 GMT", 0),
        ("٣", 0),
    ],
)
def test_the_value_of_the_header(value, seconds):
    """RFC 3261 section 25.1: delta-seconds, a comment, parameters."""
    assert rest_seconds(BUSY, value) == seconds


@pytest.mark.parametrize("status", [404, 413, 480, 486, 500, 504, 600, 603])
def test_in_any_other_answer_it_speaks_of_the_callee(status):
    assert rest_seconds(Failure(status, replied=True), "30") == 0


@pytest.mark.parametrize("failure", [Failure(503, local=True), Failure(503, canceled=True)])
def test_only_what_the_carrier_said(failure):
    assert rest_seconds(failure, "30") == 0
