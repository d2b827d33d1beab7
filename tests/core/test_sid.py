from __future__ import annotations

import re

import pytest

from trunkline.core.sid import PREFIXES, is_sid, new_sid, new_sids, sid_pattern


@pytest.mark.parametrize("prefix", PREFIXES)
def test_new_sid_fits_its_pattern(prefix):
    made = new_sid(prefix, bytes(range(16)))
    assert made == prefix + "000102030405060708090a0b0c0d0e0f"
    assert re.fullmatch(sid_pattern(prefix), made)
    assert is_sid(made)
    assert is_sid(made, prefix)


@pytest.mark.parametrize(
    "text", ["", "CA", "CA" + "0" * 31, "CA" + "0" * 33, "ca" + "0" * 32, "CA" + "A" * 32, "CA" + "0" * 32 + "\n"]
)
def test_what_is_no_sid(text):
    assert not is_sid(text)


def test_another_prefix_is_another_resource():
    assert not is_sid(new_sid("CA", bytes(16)), "TK")


def test_wrong_use_is_an_error():
    with pytest.raises(ValueError, match="unknown SID prefix"):
        new_sid("ZZ", bytes(16))
    with pytest.raises(ValueError, match="unknown SID prefix"):
        sid_pattern("ZZ")
    with pytest.raises(ValueError, match="16 random bytes"):
        new_sid("CA", bytes(15))


def test_many_at_once_are_the_same_as_one_by_one():
    drawn = bytes(range(48))
    assert new_sids("CA", drawn) == [new_sid("CA", drawn[at : at + 16]) for at in (0, 16, 32)]
    assert new_sids("CA", b"") == []
    with pytest.raises(ValueError, match="multiple"):
        new_sids("CA", drawn[1:])
    with pytest.raises(ValueError, match="prefix"):
        new_sids("QQ", drawn)
