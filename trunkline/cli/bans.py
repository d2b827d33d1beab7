"""Commands for the sources that the edge has stopped listening to: bans list, bans lift, bans add."""

from __future__ import annotations

import time
from typing import Any

import click

from trunkline.cli.options import EXIT_FAILED, cannot, json_option, load_settings, setting_options, show_json


@click.group()
def bans() -> None:
    """Sources that the edge has stopped listening to: floods, scanners, password guessers.

    Addresses in the access lists of customers and carriers are never banned. docs/operations.md has the rules.
    """


@bans.command("list")
@setting_options("home")
@json_option
def list_(as_json: bool, **options: Any) -> None:
    """Show every ban that holds now: who, why, and for how much longer.

    \b
    Examples:
      trunkline bans list
      trunkline bans list --json --home /var/lib/trunkline
    """
    from trunkline.node import edge_bans

    try:
        found = edge_bans.ban_list(load_settings(options)).all()
    except edge_bans.CANNOT as problem:
        cannot(str(problem))
    if as_json:
        show_json([edge_bans.as_json(ban) for ban in found])
        return
    if not found:
        click.echo("Nobody is banned.")
    for ban in found:
        left = max(0, ban.until - int(time.time()))
        click.echo(f"{ban.address:<40} {ban.offence.name:<10} {left:>6} s left, ban number {ban.number}")


@bans.command()
@click.argument("address")
@setting_options("home")
def lift(address: str, **options: Any) -> None:
    """Let a source in again at once, and forget what it did. Exit status 1: it was not banned.

    \b
    Example:
      trunkline bans lift 198.51.100.7
    """
    from trunkline.node import edge_bans

    try:
        lifted = edge_bans.ban_list(load_settings(options)).lift(address)
    except edge_bans.CANNOT as problem:
        cannot(str(problem))
    click.echo(f"{address} {'is let in again' if lifted else 'was not banned'}.")
    if not lifted:
        raise click.exceptions.Exit(EXIT_FAILED)


@bans.command()
@click.argument("address")
@click.option("--seconds", type=click.IntRange(1, 86400), default=3600, show_default=True, help="How long.")
@setting_options("home")
def add(address: str, seconds: int, **options: Any) -> None:
    """Ban a source, whosever it is: also an address in an access list.

    \b
    Example:
      trunkline bans add 198.51.100.7 --seconds 86400
    """
    from trunkline.node import edge_bans

    try:
        ban = edge_bans.ban_list(load_settings(options)).add(address, seconds)
    except edge_bans.CANNOT as problem:
        cannot(str(problem))
    click.echo(f"{ban.address} is banned for {seconds} s.")


COMMANDS = (bans,)
