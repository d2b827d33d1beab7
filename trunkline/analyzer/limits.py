"""How much of a file is read: captures are hostile input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What is beyond is not read; the report says so (`Damage`), and what was read is still judged."""

    file_bytes: int = 8 << 30
    unpacked_bytes: int = 4 << 30
    """Of what comes out of gzip, xz or zip."""
    unpacked_ratio: int = 250
    """Unpacked to packed size, from 16 MB of unpacked data on."""
    packets: int = 50_000_000
    packet_bytes: int = 256 << 10
    nesting: int = 8
    """Tunnels in tunnels, archives in archives, multipart in multipart."""
    messages: int = 1_000_000
    message_bytes: int = 256 << 10
    headers: int = 2_000
    """In one message."""
    streams: int = 100_000
    tcp_flows: int = 200_000
    tcp_buffer_bytes: int = 1 << 20
    """Out of order data of one direction of one connection."""
    fragments: int = 20_000
    """IP fragments that wait for the others."""
