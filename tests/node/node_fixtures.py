"""What the tests of this room share: settings on free ports, and waiting with a limit."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

from trunkline.settings import Settings


def free_ports(count: int) -> list[int]:
    """Ports free for UDP and TCP on 127.0.0.1, below those that the kernel gives to clients."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(20000, 32000), 2000):
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


def settings_in(home: Path, **options: object) -> Settings:
    sip, tls, http = free_ports(3)
    first = random.SystemRandom().randrange(34000, 60000, 200)
    chosen = {"sip_port": sip, "tls_port": tls, "http_port": http, "rtp_ports": f"{first}-{first + 199}", "home": home}
    return Settings.load(chosen | options, {})


def wait_until(true: Callable[[], object], what: str, within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    """Running, and no zombie."""
    try:
        stat = Path("/proc", str(process), "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def processes_naming(text: str) -> list[int]:
    """Processes, ourselves excepted, with `text` in their command line or environment."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            known = Path("/proc", entry, "cmdline").read_bytes() + Path("/proc", entry, "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in known and int(entry) != os.getpid() and is_alive(int(entry)):
            found.append(int(entry))
    return found
