from __future__ import annotations

import pytest

from trunkline.store.errors import AddressInvalid
from trunkline.store.networks import canonical_network, host_network


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:DB8:0:0::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
    ],
)
def test_one_network_has_one_text(text: str, canonical: str):
    assert canonical_network(text) == canonical


@pytest.mark.parametrize("text", ["", "pbx.example.com", "192.0.2", "192.0.2.1/33", "192.0.2.1/x", "fe80::1%eth0/64"])
def test_what_is_no_network_is_refused(text: str):
    with pytest.raises(AddressInvalid):
        canonical_network(text)


def test_a_host_has_no_prefix_in_its_text():
    assert host_network("2001:DB8::1", None) == ("2001:db8::1", 128, "2001:db8::1/128")
    with pytest.raises(AddressInvalid, match="prefix"):
        host_network("192.0.2.0/24", None)
    with pytest.raises(AddressInvalid):
        host_network("192.0.2.1", 64)
