from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.networks import (
    NetworkError,
    canonical_network,
    contains_any,
    is_behind_nat,
    may_name,
    plain_address,
)


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["192.0.2.7/32"], "192.0.2.7", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "192.0.2.1", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.1", True),
        (["192.0.2.0/24"], "[::ffff:192.0.2.1]", True),
        (["0.0.0.0/0"], "203.0.113.1", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        ([], "192.0.2.1", False),
        (["rubbish", "192.0.2.0/24"], "192.0.2.1", True),
        (["192.0.2.0/24"], "rubbish", False),
        (["rubbish"], "rubbish", False),
    ],
)
def test_contains_any(networks, address, inside):
    assert contains_any(networks, address) is inside


@pytest.mark.parametrize(
    ("address", "length", "network"),
    [
        ("192.0.2.7", None, "192.0.2.7/32"),
        ("192.0.2.7", 24, "192.0.2.0/24"),
        ("192.0.2.7/24", None, "192.0.2.0/24"),
        ("2001:DB8::7", 32, "2001:db8::/32"),
        (" 2001:db8::7 ", None, "2001:db8::7/128"),
        ("0.0.0.0", 0, "0.0.0.0/0"),
    ],
)
def test_canonical_network(address, length, network):
    assert canonical_network(address, length) == network


@pytest.mark.parametrize(
    ("address", "length"),
    [
        ("", None),
        ("300.0.0.1", None),
        ("192.0.2.1", 33),
        ("192.0.2.1", -1),
        ("192.0.2.1/x", None),
        ("192.0.2.1/255.255.255.0", None),
    ],
)
def test_no_network(address, length):
    with pytest.raises(NetworkError):
        canonical_network(address, length)


def test_what_is_behind_nat():
    for address in (
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "fd00::1",
        "::1",
    ):
        assert is_behind_nat(address), address
    for address in ("8.8.8.8", "2606:4700::1", "0.0.0.0", "::", "224.0.0.1", "rubbish", "", "pbx.example.com"):
        assert not is_behind_nat(address), address


@pytest.mark.parametrize(
    ("source", "host", "may"),
    [
        ("8.8.8.8", "9.9.9.9", True),
        ("8.8.8.8", "proxy.example.com", True),
        ("8.8.8.8", "10.0.0.1", False),
        ("8.8.8.8", "127.0.0.1", False),
        ("8.8.8.8", "::ffff:127.0.0.1", False),
        ("8.8.8.8", "localhost", False),
        ("10.0.0.2", "10.0.0.1", True),
        ("10.0.0.2", "127.0.0.1", False),
        ("10.0.0.2", "9.9.9.9", True),
        ("127.0.0.1", "127.0.7.2", True),
        ("::1", "localhost", True),
        ("", "127.0.0.1", False),
        ("", "10.0.0.1", False),
        ("", "9.9.9.9", True),
    ],
)
def test_who_may_name_whom(source, host, may):
    assert may_name(source, host) is may


@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text):
    contains_any([text], text)
    is_behind_nat(text)
    for read in (plain_address, canonical_network):
        try:
            read(text)
        except NetworkError:
            pass
