"""Stable pseudonyms: the same number, address or name gets the same stand-in throughout one report, and no stand-in is
something that the trace held itself.

They are counted in the order in which they appear, not computed from what they stand for: a telephone number could be
found again by trying all of them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

KEPT_USERS = frozenset(
    [
        "anonymous",
        "unavailable",
        "restricted",
        "unknown",
        "invalid",
        "asterisk",
        "freeswitch",
        "s",
        "i",
        "h",
        "-",
        "nobody",
        "private",
        "withheld",
    ]
)
"""Users that say nothing about a person, and that rules look at."""
KEPT_HOSTS = frozenset(
    (
        "anonymous.invalid",
        "localhost",
        "invalid",
        "unknown.invalid",
        "asterisk",
        "freeswitch",
        "kamailio",
        "opensips",
        "sip",
    )
)
DOCUMENTATION = tuple(ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"))
"""RFC 5737, and RFC 2544 for what is more."""
OWN_BLOCKS = tuple(
    ip_network(net)
    for net in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""A private address stays in its block: rules and readers go by it."""
TWO_DIGITS = frozenset(
    [
        "20",
        "27",
        "30",
        "31",
        "32",
        "33",
        "34",
        "36",
        "39",
        "40",
        "41",
        "43",
        "44",
        "45",
        "46",
        "47",
        "48",
        "49",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "58",
        "60",
        "61",
        "62",
        "63",
        "64",
        "65",
        "66",
        "81",
        "82",
        "84",
        "86",
        "90",
        "91",
        "92",
        "93",
        "94",
        "95",
        "98",
    ]
)
"""Country codes (ITU-T E.164); 1 and 7 have one digit, all others three."""
CORE = 8
"""Last digits by which two spellings of a number are the same one: +44 20 7946 0958 and 020 7946 0958."""


class Pseudonyms:
    """What stands for what. `taken` are the addresses, numbers and names of the trace: none of them is handed out."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._stand_ins: set[str] = set()
        """What stands for something already is left alone: a line may come by twice."""

    def address(self, text: str) -> str:
        """An IP address as text; loopback, unspecified and multicast stay what they are."""
        known = self._given.get(("address", text))
        if known is not None or text in self._stand_ins:
            return known or text
        try:
            address = ip_address(text)
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified or address.is_multicast or text == "255.255.255.255":
            return self._keep("address", text)
        for block in OWN_BLOCKS:
            if address in block:
                return self._next_address(text, str(block), int(block.network_address), address)
        if address.version == 6:
            return self._next_address(text, "v6", int(IPv6Address("2001:db8::")), address)
        return self._next_public(text)

    def number(self, text: str) -> str:
        """A telephone number or an extension: as long, and from the same country."""
        if text in self._stand_ins:
            return text
        plus, digits = text[: len(text) - len(text.lstrip("+"))], text.lstrip("+")
        if len(digits) < 7:
            return plus + self._short(digits)
        core = digits[-CORE:]
        stand_in = self._counted("core", core, lambda n: f"{55500000 + n:08d}"[-len(core) :])
        whole = plus + _head(digits[: -len(core)], international=bool(plus)) + stand_in
        self._stand_ins.add(whole)
        return whole

    def name(self, kind: str, text: str, shape: str) -> str:
        """`shape` has `{}` where the count goes: `user{}`, `host{}.example`. Upper and lower case are one."""
        return self._counted(kind, text.lower(), shape.format)

    def secret(self, text: str) -> str:
        """A digest or a key: as long, and of the same kind of letters."""
        zero = "0" if all(character in "0123456789abcdefABCDEF" for character in text) else "A"
        return self._counted("secret", text, lambda n: str(n).rjust(len(text), zero))

    def _keep(self, kind: str, text: str) -> str:
        return self._given.setdefault((kind, text), text)

    def _short(self, digits: str) -> str:
        low = 10 ** (len(digits) - 1) if digits else 0
        span = max(1, 9 * low)
        return self._counted(f"short{len(digits)}", digits, lambda n: str(low + (n * 11) % span))

    def _counted(self, kind: str, text: str, shape: object) -> str:
        assert callable(shape)
        known = self._given.get((kind, text))
        if known is None:
            for _ in range(1000):
                self._counts[kind] = self._counts.get(kind, 0) + 1
                known = str(shape(self._counts[kind]))
                if known.lower() not in self._taken:
                    break
            assert known is not None
            self._given[kind, text] = known
            self._stand_ins.add(known)
        return known

    def _next_address(self, text: str, block: str, base: int, like: IPv4Address | IPv6Address) -> str:
        return self._given.setdefault(
            ("address", text), self._counted(f"address {block}", text, lambda n: type(like)(base + n))
        )

    def _next_public(self, text: str) -> str:
        def nth(count: int) -> IPv4Address:
            for block in DOCUMENTATION:
                if count < block.num_addresses - 1:
                    return IPv4Address(int(block.network_address) + count)
                count -= block.num_addresses - 2
            return IPv4Address("198.19.255.254")  # more than 131,000 hosts: these share one

        return self._given.setdefault(("address", text), self._counted("address public", text, nth))


def is_number(text: str) -> bool:
    """Whether a user part is a number: digits with or without +, three of them at least."""
    digits = text.lstrip("+")
    return len(digits) >= 3 and digits.isascii() and digits.isdigit() and len(text) - len(digits) <= 1


def _head(digits: str, *, international: bool) -> str:
    """What stands ahead of the last eight digits: exit code and country stay, the rest is no longer theirs."""
    for exit_code in ("" if international else "011", "" if international else "00"):
        if exit_code and digits.startswith(exit_code):
            return exit_code + _head(digits[len(exit_code) :], international=True)
    kept = 0
    if international:
        kept = 1 if digits[:1] in {"1", "7"} else 2 if digits[:2] in TWO_DIGITS else 3
    elif digits[:1] in {"0", "1"}:
        kept = 1
    return digits[:kept] + "5" * len(digits[kept:])
