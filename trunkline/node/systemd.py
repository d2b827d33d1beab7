"""A systemd unit for production: the node as a user of its own, with nothing but what it needs (systemd.exec(5))."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from trunkline.node.capabilities import needs_bind_capability
from trunkline.node.programs import CHECKOUT
from trunkline.settings import Settings

NAME = "trunkline.service"
DATABASE_URL = "TRUNKLINE_DATABASE_URL"


def unit(settings: Settings, user: str) -> str:
    """The unit's text. `trunkline up` supervises its programs itself, so one unit is all."""
    ports = (settings.sip_port, settings.tls_port, settings.http_port)
    capabilities = "CAP_NET_BIND_SERVICE" if needs_bind_capability(ports) else ""
    # The database's URL may hold a password, and everybody may read a unit.
    told = {name: value for name, value in settings.environ().items() if name != DATABASE_URL}
    variables = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in told.items())
    return f"""\
# Written by `trunkline systemd`: write it again rather than edit it, or use `systemctl edit trunkline`.
[Unit]
Description=Trunkline SIP trunk
After=network-online.target postgresql.service
Wants=network-online.target

[Service]
Type=simple
User={user}
{variables}
Environment={_quoted(f"PYTHONPATH={CHECKOUT}")}
EnvironmentFile={_quoted(f"-{settings.home}/environment")}
ExecStart={_quoted(sys.executable)} -m trunkline.cli.main up
# The first SIGTERM lets calls finish; only after that, and some time to stop, systemd loses its patience.
KillMode=mixed
TimeoutStopSec={int(settings.drain_seconds) + 45}
Restart=on-failure
RestartSec=2
LimitNOFILE=65536
AmbientCapabilities={capabilities}
CapabilityBoundingSet={capabilities}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={_quoted(str(settings.home))}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK

[Install]
WantedBy=multi-user.target
"""


def next_steps(settings: Settings, user: str) -> list[str]:
    """Commands to type after the unit was written."""
    steps = [
        f"adduser --system --group --home {shlex.quote(str(settings.home))} {user}",
        f"install -d -o {user} -g {user} -m 0700 {shlex.quote(str(settings.home))}",
    ]
    if settings.database_url is not None:
        place = shlex.quote(f"{settings.home}/environment")
        steps.append(f"install -o {user} -m 0600 /dev/stdin {place} <<< '{DATABASE_URL}=…'")
    if shutil.which("systemctl") is None:
        return [*steps, "(no systemd on this machine)"]
    return [*steps, "systemctl daemon-reload", "systemctl enable --now trunkline"]


def write(folder: str, text: str) -> Path:
    """Raises OSError."""
    path = Path(folder) / NAME
    path.write_text(text)
    return path


def _quoted(text: str) -> str:
    """systemd.syntax(7): `%` is a specifier, a backslash and a quote end or change a word."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
