"""The API program of a node: `python -m trunkline.node.api_server [--home DIR] [--http-host A] [--http-port N]`.

What is not given comes from the environment (TRUNKLINE_HOME …), as `trunkline up` sets it. Exit status: 0 after
SIGTERM, 2 when it cannot start.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys

from trunkline.api.app import create_app
from trunkline.api.serve import PortTakenError, listen, serve
from trunkline.node import program_log
from trunkline.node.health import Health
from trunkline.node.metrics import NodeMetrics
from trunkline.settings import Ports, Settings, SettingsError
from trunkline.store import schema
from trunkline.store.database import database_url, open_engine
from trunkline.store.errors import DatabaseUrlInvalid, SchemaError, StoreUnavailable

_log = logging.getLogger("trunkline.api")


def run(settings: Settings) -> None:
    """Serve until SIGTERM. Raises PortTakenError, DatabaseUrlInvalid, SchemaError."""
    url = database_url(settings)
    engine = open_engine(url)
    try:
        schema.upgrade(url)
    except StoreUnavailable as problem:
        # Answer 503 until it is back: a dead API would tell less. The publisher goes on trying to migrate.
        _log.warning("started without the database: %s", problem)
    with listen(settings) as listening:
        health = _health(settings)
        serve(create_app(settings, engine, health, NodeMetrics(settings, engine, health)), listening)
    engine.dispose()


def _health(settings: Settings) -> Health | None:
    try:
        return Health(settings, Ports.read(settings.ports_file))
    except (OSError, ValueError):
        _log.warning("%s is not there: /healthz speaks of the API and the database only", settings.ports_file)
        return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m trunkline.node.api_server", description=__doc__)
    for setting in ("home", "http_host", "http_port", "database_url"):
        parser.add_argument("--" + setting.replace("_", "-"), dest=setting)
    try:
        settings = Settings.load(vars(parser.parse_args()), os.environ)
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    program_log.start(settings)
    try:
        run(settings)
    except (PortTakenError, DatabaseUrlInvalid, SchemaError) as problem:
        _log.error("cannot start: %s", problem)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
