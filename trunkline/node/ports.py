"""The node's internal loopback ports: those of the last start where they are still free, else new ones."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable
from dataclasses import fields

from trunkline.settings import Ports, Settings

LOOPBACK = "127.0.0.1"
CARRIER_HOST = "127.0.5.60"
"""Where the simulated carrier listens. A carrier is recognised by its address, so it needs one that no PBX has."""
KINDS = {
    "ng": (LOOPBACK, ("udp",)),
    "edge_inner": (LOOPBACK, ("tcp",)),
    "tls_front": (LOOPBACK, ("tcp",)),
    "carrier": (CARRIER_HOST, ("udp", "tcp")),
    "carrier_control": (LOOPBACK, ("tcp",)),
    "tracer": (LOOPBACK, ("udp",)),
}
TYPES = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
SPAN = (20000, 32767)
"""Below the ports that Linux gives to clients (ip_local_port_range starts at 32768), so that no client takes ours while
a program restarts."""


def choose(settings: Settings, dice: random.Random | None = None) -> Ports:
    """Free ports outside the media range where that leaves room; written to `run/ports.json`."""
    try:
        remembered = Ports.read(settings.ports_file)
    except (OSError, ValueError):
        remembered = None
    taken: set[int] = {settings.sip_port, settings.tls_port, settings.http_port}
    chosen: dict[str, int] = {}
    for field in fields(Ports):
        port = getattr(remembered, field.name, 0)
        if port in taken or not port or not is_free(*KINDS[field.name], port):
            port = _find(settings, field.name, taken, dice or random.Random())
        taken.add(port)
        chosen[field.name] = port
    ports = Ports(**chosen)
    ports.write(settings.ports_file)
    return ports


def is_free(host: str, transports: Iterable[str], port: int) -> bool:
    return all(problem_with(host, port, transport) is None for transport in transports)


def problem_with(host: str, port: int, transport: str) -> OSError | None:
    """Why `port` cannot be bound, or None. The probe is closed at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, TYPES[transport]) as probe:
        if transport == "tcp":
            # A listener that ended just now leaves connections in TIME_WAIT; the servers bind over them, so do we.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if transport == "tcp":
                probe.listen()
        except OSError as problem:
            return problem
    return None


def _find(settings: Settings, kind: str, taken: set[int], dice: random.Random) -> int:
    first, last = settings.rtp_ports
    outside = [port for port in range(*SPAN) if not first <= port <= last and port not in taken]
    # The default media range covers the span: then below it, where registered services live, a few thousand are free.
    candidates = outside or [port for port in range(5100, 10000) if not first <= port <= last and port not in taken]
    dice.shuffle(candidates)
    for port in candidates:
        if is_free(*KINDS[kind], port):
            return port
    with socket.socket() as probe:  # everything is taken: whatever the kernel gives
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
