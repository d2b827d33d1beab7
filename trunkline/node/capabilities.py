"""How the engines are started with as little power as they need: capabilities(7), setpriv(1).

Started as an ordinary user they have none to lose. Started as root they stay uid 0, since the home may be under /root
where no other user gets in, but lose every capability and the way to gain one. docs/decisions/0003-capabilities.md.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

LOWEST_FREE_PORT = 1024
"""Below it binding takes CAP_NET_BIND_SERVICE (unless the system's `ip_unprivileged_port_start` says less)."""
PORT_START = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def wrap(argv: list[str], *, ports: Iterable[int], paths: Iterable[Path], uid: int | None = None) -> list[str]:
    """`argv` under setpriv when we are root; as it is otherwise. `paths`: what the program must be able to read."""
    if (os.getuid() if uid is None else uid) != 0:
        return argv
    kept = []
    if needs_bind_capability(ports):
        kept.append("net_bind_service")
    if any(not open_to_owner_root(path) for path in paths):
        kept.append("dac_read_search")
    bounding = ",".join(["-all", *(f"+{name}" for name in kept)])
    return ["setpriv", f"--bounding-set={bounding}", "--inh-caps=-all", "--no-new-privs", *argv]


def needs_bind_capability(ports: Iterable[int]) -> bool:
    return any(port < first_unprivileged_port() for port in ports)


def first_unprivileged_port() -> int:
    try:
        return int(PORT_START.read_text())
    except (OSError, ValueError):
        return LOWEST_FREE_PORT


def open_to_owner_root(path: Path) -> bool:
    """Can uid 0 without CAP_DAC_READ_SEARCH reach and read `path`? A folder of another user may be closed to it."""
    for place in (path, *path.parents):
        try:
            found = place.stat()
        except OSError:
            continue
        readable = stat.S_IXOTH if place.is_dir() else stat.S_IROTH
        if found.st_uid != 0 and not found.st_mode & readable:
            return False
    return True
