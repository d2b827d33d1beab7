"""What a PBX's configuration is written for, and the files that come of it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal, get_args

Way = Literal["credentials", "address", "registration"]
WAYS: tuple[Way, ...] = get_args(Way)
"""How the trunk knows the PBX: by user name and password in each call, by its address, or by a registration."""
PASSWORD = "YOUR_PASSWORD"  # noqa: S105 — a placeholder
USERNAME = "YOUR_USERNAME"
NUMBER = "+15557654321"
PUBLIC_IP = "PUBLIC_IP"
PUBLIC_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's and Ubuntu's bundle, package ca-certificates."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_USER = re.compile(r"[A-Za-z0-9_.+~-]{1,64}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_EXTENSION = re.compile(r"[0-9A-Za-z]{1,20}")


class RequestInvalid(ValueError):
    """A value that no configuration can hold; one line that says which."""


@dataclass(frozen=True, slots=True)
class TrunkRequest:
    """One trunk, as the PBX has to know it. Every value is checked, so that it can be written as it is."""

    domain: str
    """The trunk's name: what the request line says."""
    way: Way = "credentials"
    username: str = USERNAME
    password: str = PASSWORD
    """A placeholder unless the user gave one."""
    realm: str = ""
    """Of the challenge; empty: not known, any."""
    numbers: tuple[str, ...] = (NUMBER,)
    """Of the trunk, +E.164. The first is the caller ID."""
    secure: bool = False
    """SIP over TLS, and SRTP with keys in SDP."""
    own_ca: bool = False
    """The trunk's certificate is of its node's own authority (`tls/ca.pem` of its home), and not of a public one."""
    edge: str = ""
    """Address to send to, where the domain's name does not lead there."""
    port: int = 0
    """Port of the trunk; 0: the usual one (5060, with TLS 5061)."""
    networks: tuple[str, ...] = ()
    """Where the trunk's calls come from."""
    public_ip: str = ""
    """Of the PBX, where it stands behind NAT."""
    local_net: str = ""
    name: str = "trunk"
    """What the trunk is called in the configuration."""
    extension: str = "100"
    """Whom calls from the trunk ring."""

    def __post_init__(self) -> None:
        _check("--domain", self.domain, _HOST, "a name such as acme.pstn.example.net")
        _check("--name", self.name, _NAME, "letters, digits, - and _")
        _check("--username", self.username, _USER, "letters, digits and . _ + ~ -")
        _check("--extension", self.extension, _EXTENSION, "letters and digits")
        if self.realm:
            _check("--realm", self.realm, _USER, "the realm of the trunk's challenge")
        for number in self.numbers:
            _check("--number", number, _NUMBER, "+E.164, as +15551234567")
        if not self.password or not self.password.isprintable() or len(self.password) > 200:
            raise RequestInvalid("--password must be 1 to 200 printable characters")
        if self.edge and not _HOST.fullmatch(self.edge):
            _address("--edge", self.edge)
        for network in self.networks:
            _network("--network", network)
        if self.public_ip:
            _address("--public-ip", self.public_ip)
        if self.local_net:
            _network("--local-net", self.local_net)
        if not 0 <= self.port < 65536:
            raise RequestInvalid(f"--port {self.port} is no port")

    @property
    def number(self) -> str:
        return self.numbers[0] if self.numbers else NUMBER

    @property
    def transport(self) -> str:
        return "tls" if self.secure else "udp"

    @property
    def real_port(self) -> int:
        return self.port or (5061 if self.secure else 5060)

    @property
    def sends_to(self) -> str:
        """Host that packets go to."""
        return self.edge or self.domain

    @property
    def sources(self) -> tuple[str, ...]:
        """Networks that calls from the trunk come from; the edge where none are known."""
        return self.networks or ((self.edge,) if self.edge else (self.domain,))

    def authorities(self, folder: str) -> str:
        """File with those that may sign the trunk's certificate; `folder`: where the PBX keeps its own certificate."""
        return f"{folder}/trunk-ca.pem" if self.own_ca else PUBLIC_AUTHORITIES

    def note(self, folder: str, then: str = "") -> str:
        """What is to be done before that file is there, and `then`."""
        if not (self.secure and self.own_ca):
            return then
        return f"Copy tls/ca.pem of the node's home to {self.authorities(folder)}. {then}".rstrip()

    @property
    def has_credentials(self) -> bool:
        return self.way != "address"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file to write, or one page to fill in."""

    path: str
    """Name of the file, or the way to the page."""
    text: str
    note: str = ""
    """What to do with it."""
    part: bool = False
    """Lines for a file that the PBX has already, and not all of it."""


def _check(option: str, value: str, pattern: re.Pattern[str], wanted: str) -> None:
    if not pattern.fullmatch(value):
        shown = "".join(character if character.isprintable() else "?" for character in value[:60])
        raise RequestInvalid(f"{option} {shown!r} cannot be written into a configuration: use {wanted}")


def _address(option: str, value: str) -> None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise RequestInvalid(f"{option} {value[:60]!r} is no IP address") from None


def _network(option: str, value: str) -> None:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise RequestInvalid(f"{option} {value[:60]!r} is no network, such as 203.0.113.0/24") from None


def netmask(network: str) -> tuple[str, str]:
    """Address and mask in dots, of an IPv4 network; a name or an IPv6 network gives itself and nothing."""
    try:
        parsed = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return network, ""
    if parsed.version != 4:
        return str(parsed), ""
    return str(parsed.network_address), str(parsed.netmask)
