"""Which addresses the public Internet can reach."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
        *("0.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128", "::/128"),
    )
)


@lru_cache(maxsize=4096)
def address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is, without brackets; None for a name."""
    try:
        found = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


@lru_cache(maxsize=4096)
def is_private(host: str) -> bool:
    """RFC 1918, 6598, 3927, 4193, loopback or unspecified: nothing on the Internet reaches it."""
    found = address(host)
    return found is not None and any(found in network for network in _PRIVATE if network.version == found.version)


@lru_cache(maxsize=4096)
def is_public(host: str) -> bool:
    """An address, and not a private one. Documentation networks count as public: labs and tests use them so."""
    found = address(host)
    return found is not None and not is_private(host) and not found.is_multicast


def same_host(one: str, other: str) -> bool:
    """The same address, however it is written; names by their letters."""
    a, b = address(one), address(other)
    if a is not None and b is not None:
        return a == b
    return one.strip("[].").lower() == other.strip("[].").lower()
