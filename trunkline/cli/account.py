"""Commands that show who may use a node: demo-info, account show."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from trunkline.cli.options import cannot, json_option, load_settings, setting_options, show_json


@click.command("demo-info")
@setting_options("home")
@json_option
def demo_info(as_json: bool, **options: Any) -> None:
    """Show the demo's account, trunk, user name and password: what a PBX or softphone needs to call through it.

    \b
    Examples:
      trunkline demo-info
      trunkline demo-info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["password"])'
    """
    from trunkline.node.demo import Demo

    settings = load_settings(options)
    demo = Demo.read(settings)
    if demo is None:
        cannot(f"no demo in {settings.home}: start one with `trunkline up --demo`, or name its --home")
    if as_json:
        show_json(asdict(demo))
        return
    for name, value in asdict(demo).items():
        click.echo(f"{name.replace('_', ' '):<14} {', '.join(value) if isinstance(value, list) else value}")
    click.echo()
    click.echo("In a PBX: a trunk without registration, with this user name and password,")
    click.echo(f"server {demo.sip_host}:{demo.sip_port} and domain {demo.domain_name}; numbers as +15551234567,")
    click.echo(f"and one of the numbers above as caller ID. A first call: {demo.echo_number}, an echo.")
    click.echo("To be called on these numbers, add the PBX as an origination URL of the trunk:")
    click.echo(f"  curl -u {demo.account_sid}:{demo.auth_token} \\")
    click.echo(f"    {demo.api_url}/v1/Trunks/{demo.trunk_sid}/OriginationUrls \\")
    click.echo("    -d FriendlyName=PBX -d SipUrl=sip:ADDRESS:PORT -d Priority=10 -d Weight=10 -d Enabled=true")


@click.group()
def account() -> None:
    """Accounts of a node."""


@account.command("show")
@setting_options("home")
@json_option
def show(as_json: bool, **options: Any) -> None:
    """Show the first account, which may manage carriers and accounts: its SID and auth token are the API's user and
    password.

    \b
    Examples:
      trunkline account show
      trunkline account show --json --home /var/lib/trunkline
    """
    settings = load_settings(options)
    try:
        found = json.loads(settings.account_file.read_text())
    except (OSError, ValueError):
        cannot(f"no readable {settings.account_file}: `trunkline up` writes it; or name another --home")
    if as_json:
        show_json(found)
    else:
        for name, value in found.items():
            click.echo(f"{name.replace('_', ' '):<12} {value}")


COMMANDS = (demo_info, account)
