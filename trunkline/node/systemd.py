"""A systemd unit for production: the node as a user of its own, with nothing but what it needs (systemd.exec(5))."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from trunkline.node.capabilities import needs_bind_capability
from trunkline.node.programs import CHECKOUT
from trunkline.settings import Settings

NAME = "trunkline.service"


def unit(settings: Settings, user: str) -> str:
    """The unit's text. `trunkline up` supervises its programs itself, so one unit is all."""
    ports = (settings.sip_port, settings.tls_port, settings.http_port)
    capabilities = "CAP_NET_BIND_SERVICE" if needs_bind_capability(ports) else ""
    variables = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in settings.environ().items())
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
        f"adduser --system --group --home {settings.home} {user}",
        f"install -d -o {user} -g {user} -m 0700 {settings.home}",
        "systemctl daemon-reload",
        "systemctl enable --now trunkline",
    ]
    return steps if shutil.which("systemctl") else [*steps[:2], "(no systemd on this machine)"]


def write(folder: str, text: str) -> Path:
    """Raises OSError."""
    path = Path(folder) / NAME
    path.write_text(text)
    return path


def _quoted(text: str) -> str:
    """systemd.syntax(7): `%` is a specifier, a backslash and a quote end or change a word."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
