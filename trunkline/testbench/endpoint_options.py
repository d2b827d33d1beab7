"""What an endpoint is told once, and what distinguishes its accounts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    host: str = "127.0.0.1"
    """IP address that SIP and RTP bind to."""
    udp_port: int | None = 0
    """0: any free port; None: no such transport. Likewise below."""
    tcp_port: int | None = 0
    tls_port: int | None = None
    public_host: str | None = None
    """Advertised in Via, Contact and SDP instead of `host`: set a private address to play a PBX behind a NAT."""
    rtp_ports: tuple[int, int] | None = None
    """First and last UDP port of media; None: any free ports."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    """Peers are verified against this CA; without it they are not verified, and only loopback peers may be called over
    TLS.
    """
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    """In order of preference; all others are off."""
    user_agent: str = "trunkline-testbench"
    keep_trace: Path | None = None
    """PJSIP's log with every SIP message is appended here."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """What distinguishes PJSIP accounts. One account serves all calls that share these."""

    transport: str
    srtp: str = "off"
    """off, optional or mandatory (SDES, AES_CM_128_HMAC_SHA1_80)."""
    next_hop: str | None = None
    """IP:port of the first hop, whatever the Request-URI says; None: PJSIP goes by the URI."""
    route_header: bool = False
    """Show the next hop in a Route header, as some PBXs do with an outbound proxy."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    register_at: str | None = None
    """Domain to REGISTER the user name with, at the next hop; None: no registration."""


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
