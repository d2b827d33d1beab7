"""Is this address in one of these networks? (Parsed once each: `ipaddress` takes 3 us per network, the call path has
no time for it.)
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


class NetworkError(ValueError):
    """The text is neither an address nor a network; the message says what to write."""


@lru_cache(maxsize=65536)
def _bounds(network: str) -> tuple[int, int, int]:
    """Version, first and last address of a network as integers; version 0 for a text that is none."""
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return 0, 0, -1
    return parsed.version, int(parsed.network_address), int(parsed.broadcast_address)


@lru_cache(maxsize=16384)
def _value(address: str) -> tuple[int, int]:
    try:
        parsed = plain_address(address)
    except NetworkError:
        return -1, 0
    return parsed.version, int(parsed)


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """The address; IPv4 where IPv6 only wraps it (`::ffff:192.0.2.1`, RFC 4291 2.5.5.2). Raises NetworkError."""
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        raise NetworkError(f"{address!r} is not an IP address: write 192.0.2.1 or 2001:db8::1") from None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def contains_any(networks: Iterable[str], address: str) -> bool:
    """Whether any of the networks contains the address. A text that is no network contains nothing."""
    version, value = _value(address)
    for network in networks:
        of, first, last = _bounds(network)
        if of == version and first <= value <= last:
            return True
    return False


def canonical_network(address: str, prefix_length: int | None = None) -> str:
    """The canonical text of a network: `192.0.2.0/24`. Without a length: the one behind `/`, else the whole address.
    Raises NetworkError.
    """
    text, _, length = address.strip().partition("/")
    parsed = plain_address(text)
    if prefix_length is None:
        if length and not (length.isascii() and length.isdigit()):
            raise NetworkError(f"prefix length {length!r} is not a number from 0 to {parsed.max_prefixlen}")
        prefix_length = int(length) if length else parsed.max_prefixlen
    if not 0 <= prefix_length <= parsed.max_prefixlen:
        raise NetworkError(f"prefix length {prefix_length} is not from 0 to {parsed.max_prefixlen}")
    return str(ip_network((parsed, prefix_length), strict=False))


@lru_cache(maxsize=16384)
def is_behind_nat(address: str) -> bool:
    """Whether nobody else can send there: private (RFC 1918, RFC 4193), shared (RFC 6598), link-local or
    loopback. Not 0.0.0.0: that is no place but the old way to say hold (RFC 3264 section 8.4).
    """
    try:
        parsed = plain_address(address)
    except NetworkError:
        return False
    return not (parsed.is_global or parsed.is_multicast or parsed.is_unspecified)


def may_name(source: str, host: str) -> bool:
    """Whether a message from `source` may have its answers or later requests sent to `host`, which may be a name.

    Nobody on the Internet may point into our own network, and nobody but this machine at this machine.
    """
    if host == "localhost" or _is_loopback(host):
        return _is_loopback(source)
    return is_behind_nat(source) or not is_behind_nat(host)


def _is_loopback(address: str) -> bool:
    try:
        return plain_address(address).is_loopback
    except NetworkError:
        return False
