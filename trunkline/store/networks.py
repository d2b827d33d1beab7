"""Networks as the store writes them: `192.0.2.0/24`, `2001:db8::/32` (`trunkline/core/networks.py` has the rule)."""

from __future__ import annotations

from trunkline.core import networks
from trunkline.store.errors import AddressInvalid


def canonical_network(text: str) -> str:
    """`192.0.2.7/24` and `192.0.2.0/24` are `192.0.2.0/24`; an address alone has full length. Raises AddressInvalid."""
    return _canonical(text, None)


def host_network(ip_address: str, cidr_prefix_length: int | None) -> tuple[str, int, str]:
    """Address, prefix length and canonical network of an address whose text has no prefix in it.

    No prefix length means one host; IPv4 written as IPv6 becomes IPv4. Raises AddressInvalid.
    """
    if "/" in ip_address:
        raise AddressInvalid(f"{ip_address!r} has a prefix in it: write the address alone, and the prefix length apart")
    network = _canonical(ip_address, cidr_prefix_length)
    host = _canonical(ip_address, None).partition("/")[0]
    return host, int(network.partition("/")[2]), network


def _canonical(text: str, prefix_length: int | None) -> str:
    if "%" in text:
        raise AddressInvalid(f"{text!r} has a zone in it, which means nothing to others")
    try:
        return networks.canonical_network(text, prefix_length)
    except networks.NetworkError as error:
        raise AddressInvalid(str(error)) from error
