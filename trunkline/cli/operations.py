"""Commands for a node in operation: certificates reload, log-level, doctor-install."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from trunkline.cli.options import (
    EXIT_FAILED,
    cannot,
    in_width,
    json_option,
    load_settings,
    setting_options,
    show_json,
    terminal_width,
)


@click.group()
def certificates() -> None:
    """The certificate of the TLS port."""


@certificates.command()
@setting_options("home")
def reload(**options: Any) -> None:
    """Use the certificate that stands in tls/ of the home now. No call and no connection is dropped.

    A running node also notices new files by itself, within two seconds.

    \b
    Example:
      trunkline certificates reload --home /var/lib/trunkline
    """
    from trunkline.node import certificate_reload
    from trunkline.node.certificates import CertificateError

    try:
        until = certificate_reload.reload(load_settings(options))
    except (CertificateError, certificate_reload.FrontSilent) as problem:
        cannot(str(problem))
    click.echo(f"New connections get the certificate that is valid until {until}.")


@click.command("log-level")
@click.argument("program")
@click.argument("level")
@setting_options("home")
def log_level(program: str, level: str, **options: Any) -> None:
    """Change how much a program of a running node logs: PROGRAM is edge, tls_front, recorder, publisher or api, LEVEL
    debug, info, warning or error. It lasts until the program starts again.

    \b
    Examples:
      trunkline log-level edge debug
      trunkline log-level recorder warning
    """
    from trunkline.node import log_levels

    try:
        log_levels.change(load_settings(options), program, level)
    except log_levels.LogLevelError as problem:
        cannot(str(problem))
    click.echo(f"{program} logs at level {level} now.")


@click.command("doctor-install")
@setting_options(
    "home", "sip_host", "public_ip", "second_host", "sip_port", "tls_port", "http_host", "http_port", "rtp_ports"
)
@json_option
def doctor_install(as_json: bool, **options: Any) -> None:
    """Check what a node needs of its machine: programs, ports, addresses and NAT, names, certificate, clock, limits.

    Each answer is plain, with what to do. Run it before the first `trunkline up`, or beside a running node, whose
    own ports and addresses it then looks at where none are given. Exit status 1 when something is wrong.

    \b
    Examples:
      trunkline doctor-install --sip-host 192.0.2.10
      trunkline doctor-install --json
    """
    from trunkline.node import install_check

    settings = install_check.running_settings(load_settings(options), options, os.environ)
    found = install_check.check(settings)
    if as_json:
        show_json([answer.as_json() for answer in found])
    else:
        width = terminal_width(sys.stdout)
        for answer in found:
            head = f"{answer.verdict:<7} {answer.subject:<12} "
            for line in in_width(answer.told, width, head, " " * len(head)):
                click.echo(line)
    sys.exit(EXIT_FAILED if any(answer.verdict == install_check.WRONG for answer in found) else 0)


COMMANDS = (certificates, log_level, doctor_install)
