"""Who is banned, for how long, and how a ban is written."""

from __future__ import annotations

import pytest

from trunkline.core.cause import Cause
from trunkline.core.defence import (
    FIRST_BAN,
    LONGEST_BAN,
    OFFENCE_OF,
    SCANNER_PATTERN,
    SCANNERS,
    Ban,
    Offence,
    ban_of,
    ban_seconds,
    ban_value,
    is_scanner,
    protects,
    source_key,
)
from trunkline.core.networks import NetworkError


def test_each_ban_lasts_twice_as_long_as_the_one_before_up_to_a_day() -> None:
    assert [ban_seconds(n) for n in (1, 2, 3, 4)] == [FIRST_BAN * 2**n for n in range(4)]
    assert ban_seconds(100) == LONGEST_BAN
    assert ban_seconds(0) == FIRST_BAN
    assert ban_seconds(2, first=5) == 10


@pytest.mark.parametrize("agent", ["friendly-scanner", "sipcli/v1.8", "SIPVicious", "Mr.SIP"])
def test_attack_tools_are_known_by_their_names(agent: str) -> None:
    assert is_scanner(agent)


@pytest.mark.parametrize("agent", [None, "", "Asterisk PBX 20.5", "FPBX-16", "Zoiper rv2.10", "sipsak 0.9.8"])
def test_no_pbx_is_taken_for_one(agent: str | None) -> None:
    assert not is_scanner(agent)


def test_the_pattern_for_kamailio_holds_the_same_names() -> None:
    """No character in it that a substitution or a string of its configuration would change."""
    import re

    assert all(re.search(SCANNER_PATTERN, name.upper(), re.IGNORECASE) for name in SCANNERS)
    assert not set('\\"!') & set(SCANNER_PATTERN)


def test_a_ban_is_read_as_it_was_written() -> None:
    value = ban_value(Offence.GUESSING, 1000.7, 60, 3)
    assert ban_of("192.0.2.1", value) == Ban("192.0.2.1", Offence.GUESSING, 1000, 1060, 3)
    for broken in ("", "GUESSING 1 2", "NOTHING 1 2 3", "GUESSING a b c"):
        assert ban_of("192.0.2.1", broken) is None
    assert ban_of("<null>", value) is None


def test_sources_are_written_as_kamailio_writes_them() -> None:
    assert source_key("192.0.2.1") == "192.0.2.1"
    assert source_key("2001:db8:0:0::1") == "2001:db8::1"
    assert source_key("::ffff:192.0.2.1") == "192.0.2.1"
    with pytest.raises(NetworkError):
        source_key("nonsense")


@pytest.mark.parametrize(
    ("network", "does"),
    [
        ("192.0.2.1/32", True),
        ("10.0.0.0/8", True),
        ("0.0.0.0/1", False),
        ("2001:db8::/32", True),
        ("2000::/3", False),
        ("x", False),
    ],
)
def test_half_the_world_in_a_list_protects_nobody(network: str, does: bool) -> None:
    assert protects(network) is does


def test_what_counts_is_what_a_stranger_can_cause() -> None:
    assert OFFENCE_OF[Cause.BAD_CREDENTIALS] is Offence.GUESSING
    assert not {Cause.NO_FUNDS, Cause.CALLER_ID_NOT_OWNED, Cause.NO_CARRIER} & set(OFFENCE_OF)
    assert Offence.FLOOD.told("") == "more than 100 requests without credentials within a second"
    assert Offence.SCANNER.told("sipcli") == "it calls itself a scanner: sipcli"
