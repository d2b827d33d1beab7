"""The programs of one node, in the order in which they start; they stop in the opposite one.

Stopping: the carrier of the demo first, then the edge, which refuses new calls by being gone, then the TLS front. The
recorder follows them, so that it reads their last events while rtpengine still has the figures of their calls.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import trunkline
from trunkline.engines.kamailio.config import kamailio_programs
from trunkline.engines.rtpengine import config as rtpengine_config
from trunkline.node import capabilities
from trunkline.node.ports import CARRIER_HOST
from trunkline.node.supervisor import Program
from trunkline.settings import Ports, Settings

CHECKOUT = Path(trunkline.__file__).resolve().parent.parent
ORDER = ("api", "publisher", "rtpengine", "recorder", "tracer", "tls_front", "kamailio", "carrier")


def node_programs(settings: Settings, ports: Ports, home_secret: bytes, *, demo: bool) -> list[Program]:
    """Write the engines' configurations and list all programs. Raises KamailioMissing."""
    engines = kamailio_programs(settings, ports, home_secret)
    commands = {name: (_confined(settings, engine.argv), dict(engine.environment)) for name, engine in engines.items()}
    commands["rtpengine"] = (_confined(settings, rtpengine_config.command(settings, ports.ng)), {})
    for name, module in (
        ("api", "api_server"),
        ("publisher", "publisher"),
        ("recorder", "recorder"),
        ("tracer", "tracer"),
    ):
        commands[name] = ([sys.executable, "-m", f"trunkline.node.{module}"], own_environment(settings))
    if demo:
        commands["carrier"] = (carrier_command(ports), own_environment(settings))
    listed = []
    for place, name in enumerate(ORDER):
        if name in commands:
            argv, environment = commands[name]
            listed.append(Program(name, argv, 10 * (place + 1), environment))
    return listed


def own_environment(settings: Settings) -> dict[str, str]:
    """For our own Python programs: the settings, and where the package is."""
    found = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([os.fspath(CHECKOUT), found] if found else [os.fspath(CHECKOUT)])
    return settings.environ() | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def carrier_command(ports: Ports) -> list[str]:
    options = ["--host", CARRIER_HOST, "--port", str(ports.carrier), "--control-port", str(ports.carrier_control)]
    return [sys.executable, "-m", "trunkline.testbench.carrier", *options]


def _confined(settings: Settings, argv: list[str]) -> list[str]:
    return capabilities.wrap(argv, ports=(settings.sip_port, settings.tls_port), paths=(settings.home, CHECKOUT))
