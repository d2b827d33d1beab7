"""Addresses that nothing on the Internet reaches."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
        *("0.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128", "::/128"),
    )
)


@lru_cache(maxsize=4096)
def is_private(ip: str) -> bool:
    """RFC 1918, 6598, 3927, 4193, link-local, loopback or unspecified. False for what is no address."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return is_private(str(address.ipv4_mapped))
    return any(address.version == network.version and address in network for network in _NETWORKS)
