"""What lint has to know about a provider. The profiles of the analyzer hold more; whoever may read both fills this in
(trunkline/cli/pbx.py)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Provider:
    """The facts of one provider. The defaults are those of a trunk of which nothing is known."""

    name: str = "generic"
    title: str = "any SIP trunk"
    hosts: tuple[str, ...] = ()
    """Names that its trunks have in a Request-URI: `*.pstn.example.net`; one star stands for one label or more at the
    beginning, and for one label elsewhere. Empty: any."""
    networks: tuple[Network, ...] = ()
    """Where its signalling comes from. Empty: not published."""
    realms: tuple[str, ...] = ()
    registers: bool | None = None
    """Whether it takes REGISTER; None: not known."""
    answers_challenges: bool = True
    """Whether it answers a 401 or 407 of the PBX."""
    plus_called: bool = False
    """Called numbers must be +E.164."""
    plus_caller: bool = False
    """Caller IDs must be +E.164."""
    plus_origination: bool = False
    """The numbers that it sends are +E.164."""
    exempt: tuple[str, ...] = ()
    """Emergency and short numbers, which are as they are."""
    codecs: tuple[str, ...] = ()
    """Names of SDP in capitals, the limited ones too; empty: not known."""
    ptime: int = 0
    """Milliseconds that packets must have at most; 0: not known."""
    dtmf_rfc4733: bool = False
    """It hears nothing but RFC 4733 events."""
    sdes_only: bool = False
    """Media is plain RTP, or SRTP with keys in SDP; never DTLS, AVPF or ICE."""
    srtp_needs_tls: bool = False
    tls_12: bool = False
    """It refuses TLS below 1.2."""
    port_tls: int = 5061
    timers_ignored: bool = False
    """It neither refreshes sessions nor refuses to be asked for it."""
    private_contact: bool = False
    """Its Contact holds private addresses that must be left as they are."""

    @property
    def is_public(self) -> bool:
        """Whether it is certain that the way to it leads through the internet."""
        return any(not network.is_private for network in self.networks)

    def has_host(self, host: str) -> bool:
        """Whether a name is one of its trunks, or an address one of its own."""
        return matches(host, self.hosts) or self.has_address(host)

    def has_address(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return any(address in network for network in self.networks if network.version == address.version)

    def is_parent(self, host: str) -> bool:
        """Whether a name is that of all trunks instead of one: `pstn.example.net` of `*.pstn.example.net`."""
        return any(pattern == f"*.{host.lower()}" for pattern in self.hosts)


def matches(host: str, patterns: tuple[str, ...]) -> bool:
    """Whether a host name is one of `patterns` (`Provider.hosts`). Case and a closing dot do not count."""
    labels = host.lower().rstrip(".").split(".")
    return "" not in labels and any(_one(labels, pattern.lower().split(".")) for pattern in patterns)


def _one(labels: list[str], pattern: list[str]) -> bool:
    if pattern[0] == "*":
        if len(labels) < len(pattern):
            return False
        pattern = pattern[1:]
        labels = labels[len(labels) - len(pattern) :]
    return len(labels) == len(pattern) and all(
        wanted in ("*", label) for label, wanted in zip(labels, pattern, strict=True)
    )


def is_private(text: str) -> bool:
    """Whether this is an address that nobody on the internet can reach (RFC 1918, 6598, 3927, 4193, loopback)."""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    inner = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8")
    if address.version == 6:
        inner = ("fc00::/7", "fe80::/10", "::1/128")  # type: ignore[assignment]
    return any(address in ipaddress.ip_network(network) for network in inner)


def is_e164(number: str) -> bool:
    """Whether a number is + and 7 to 15 digits."""
    digits = number[1:]
    return number.startswith("+") and digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15
