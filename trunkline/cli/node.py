"""Commands that run a node, or ask one how it is: up, status, systemd."""

from __future__ import annotations

import sys
from typing import Any

import click

from trunkline.cli.options import (
    EXIT_FAILED,
    cannot,
    json_option,
    load_settings,
    node_url,
    say,
    setting_options,
    show,
    show_json,
)

ALL_SETTINGS = (
    "home", "sip_host", "public_ip", "second_host", "sip_port", "tls_port", "http_host", "http_port", "rtp_ports",
    "database_url", "realm", "domain_suffixes", "no_funds_response", "drain_seconds", "sip_workers", "nonce_seconds",
    "ban_seconds", "setup_seconds", "pdd_seconds", "ring_seconds", "carrier_order", "media_timeout", "log_level",
)  # fmt: skip


@click.command()
@setting_options(*ALL_SETTINGS)
@click.option(
    "--demo", is_flag=True, help="Add a demo account, trunk and numbers, and a simulated carrier; place a call."
)
def up(demo: bool, **options: Any) -> None:
    """Start one node: Kamailio, rtpengine, the publisher, the recorder and the API, watched until a signal comes.

    Every option has an environment variable: TRUNKLINE_ and its name in capitals, as TRUNKLINE_SIP_PORT. The option
    wins. Two nodes run side by side with different homes and ports.

    Signals: the first SIGTERM or Ctrl-C refuses new calls and lets running ones finish, for --drain-seconds; the second
    ends all at once. Exit status 2: it could not start, and one line says why.

    \b
    Examples:
      trunkline up --demo
      trunkline up --sip-host 192.0.2.10 --home /var/lib/trunkline
      trunkline up --home ~/second --sip-port 5070 --tls-port 5071 --http-port 8090 --rtp-ports 40000-41000
    """
    from trunkline.node import up as node_up

    sys.exit(node_up.run(load_settings(options), with_demo=demo, say=say))


@click.command()
@setting_options("home", "http_host", "http_port")
@json_option
def status(as_json: bool, **options: Any) -> None:
    """Say whether a node works, part by part, how often its programs were started again, which PBXs are registered, and
    how carriers answer.

    Exit status 1 when something does not work, 2 when no node answers.

    \b
    Examples:
      trunkline status
      trunkline status --json --home ~/second
    """
    import httpx

    from trunkline.node.carrier_words import carriers_in_words
    from trunkline.node.registration_watch import registered_in_words
    from trunkline.node.supervisor import restarts

    settings = load_settings(options)
    url = node_url(settings, options)
    try:
        answer = httpx.get(f"{url}/healthz", timeout=10.0, trust_env=False)
        health = answer.json()
        parts: dict[str, str] = health["parts"]
    except (httpx.HTTPError, ValueError, KeyError):
        cannot(f"no node answers on {url}: start one with `trunkline up`, or name it with --http-port")
    counts = restarts(settings.run_dir)
    if as_json:
        show_json(
            health
            | {"restarts": counts, "registered": registered_in_words(settings)}
            | {"carriers": carriers_in_words(settings)}
        )
    else:
        for name in sorted(parts.keys() | counts.keys()):
            again = f", started again {counts[name]} times" if counts.get(name) else ""
            click.echo(f"{name:<12} {' '.join(parts.get(name, 'running').split())}{again}")
        for line in registered_in_words(settings):
            show(f"{'registered':<12} {line}")
        for line in carriers_in_words(settings):
            show(f"{'carrier':<12} {line}")
    sys.exit(0 if answer.status_code == httpx.codes.OK else EXIT_FAILED)


@click.command()
@setting_options(*ALL_SETTINGS)
@click.option("--user", default="trunkline", show_default=True, help="The system user that the node runs as.")
@click.option("--write", "folder", type=click.Path(file_okay=False), help="Write the unit into this folder.")
def systemd(user: str, folder: str | None, **options: Any) -> None:
    """Print a systemd unit that runs this node in production: as a user of its own, with the settings given here.

    \b
    Examples:
      trunkline systemd --home /var/lib/trunkline --sip-host 192.0.2.10
      trunkline systemd --sip-port 5060 --write /etc/systemd/system
    """
    from trunkline.node import systemd as unit

    settings = load_settings({"home": "/var/lib/trunkline"} | {k: v for k, v in options.items() if v is not None})
    text = unit.unit(settings, user)
    if folder is None:
        click.echo(text, nl=False)
        return
    try:
        path = unit.write(folder, text)
    except OSError as problem:
        cannot(f"{problem.filename}: {problem.strerror}")
    click.echo(f"Wrote {path}. Next:")
    for line in unit.next_steps(settings, user):
        click.echo(f"  {line}")


COMMANDS = (up, status, systemd)
