"""Commands that look after what a node remembers: db upgrade, routing rebuild."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from trunkline.cli.options import cannot, json_option, load_settings, setting_options, show_json


@click.group()
def db() -> None:
    """The database of a node."""


@db.command("upgrade")
@setting_options("home", "database_url")
@json_option
def upgrade(as_json: bool, **options: Any) -> None:
    """Bring the database to the schema of this version. `trunkline up` does the same at its start.

    \b
    Examples:
      trunkline db upgrade
      trunkline db upgrade --database-url postgresql://trunkline@localhost/trunkline
    """
    from trunkline.node.storage import StorageProblem, upgrade_database

    try:
        revision = upgrade_database(load_settings(options))
    except StorageProblem as problem:
        cannot(str(problem))
    if as_json:
        show_json({"revision": revision})
    else:
        click.echo(f"The database has schema {revision}.")


@click.group()
def routing() -> None:
    """What the edge knows: routing.db."""


@routing.command("rebuild")
@setting_options("home", "database_url")
@json_option
def rebuild(as_json: bool, **options: Any) -> None:
    """Write all of routing.db anew from the database, in one step and while calls go on.

    Never needed in normal service: the publisher keeps it up to date. It is for a file that was damaged or restored.

    \b
    Example:
      trunkline routing rebuild --home /var/lib/trunkline
    """
    from trunkline.node.storage import StorageProblem, rebuild_routing

    try:
        written = rebuild_routing(load_settings(options))
    except StorageProblem as problem:
        cannot(str(problem))
    if as_json:
        show_json(asdict(written))
    else:
        click.echo(f"Wrote {written.rows} rows to {written.path}, up to change {written.change}.")


COMMANDS = (db, routing)
