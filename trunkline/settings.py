"""Every setting of a node: one frozen record, read once at start, from options first and the environment second."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(ValueError):
    """A setting is not usable; the text says which one and what to write instead."""


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path
    """All state of the node lives here (`--home`, TRUNKLINE_HOME)."""
    sip_host: str = "127.0.0.1"
    """Address that Kamailio and rtpengine listen on (`--sip-host`, TRUNKLINE_SIP_HOST)."""
    public_ip: str | None = None
    """Address that SIP and SDP advertise where it differs from `sip_host` (`--public-ip`, TRUNKLINE_PUBLIC_IP)."""
    sip_port: int = 5060
    """UDP and TCP (`--sip-port`, TRUNKLINE_SIP_PORT)."""
    tls_port: int = 5061
    """`--tls-port`, TRUNKLINE_TLS_PORT."""
    http_host: str = "127.0.0.1"
    """`--http-host`, TRUNKLINE_HTTP_HOST."""
    http_port: int = 8080
    """`--http-port`, TRUNKLINE_HTTP_PORT."""
    rtp_ports: tuple[int, int] = (10000, 60000)
    """First and last UDP port of media, inclusive (`--rtp-ports`, TRUNKLINE_RTP_PORTS, `10000-60000`)."""
    database_url: str | None = None
    """SQLAlchemy URL; None: SQLite in the home (`--database-url`, TRUNKLINE_DATABASE_URL)."""
    realm: str = "sip.twilio.com"
    """Digest realm. Stored HA1 values depend on it (TRUNKLINE_REALM)."""
    domain_suffixes: tuple[str, ...] = ("pstn.twilio.com",)
    """Suffixes under which a trunk's label is looked for, comma-separated (TRUNKLINE_DOMAIN_SUFFIXES)."""
    no_funds_response: int = 403
    """SIP status for accounts without funds, suspended or closed: 403 or 603 (TRUNKLINE_NO_FUNDS_RESPONSE)."""
    drain_seconds: float = 30.0
    """How long the first SIGTERM lets running calls finish (TRUNKLINE_DRAIN_SECONDS)."""
    sip_workers: int = 4
    """SIP worker processes for each listening socket (TRUNKLINE_SIP_WORKERS)."""
    log_level: str = "info"
    """debug, info, warning or error (TRUNKLINE_LOG_LEVEL)."""
