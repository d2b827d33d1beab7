"""Options that several commands share, and how a command ends."""

from __future__ import annotations

import json
import os
import shlex
import sys
import textwrap
from collections.abc import Callable, Mapping
from shutil import get_terminal_size
from typing import Any, NoReturn, TextIO, TypeVar

import click

from trunkline.settings import Settings, SettingsError, option_name, variable_name

EXIT_FAILED = 1
"""The command worked, and what it asked for did not: the call failed, nobody answered."""
EXIT_CANNOT = 2
"""The command could not do its work: a wrong option, no node, no database."""
WIDEST = 120
"""Columns of a terminal that does not say how many it has."""

Function = TypeVar("Function", bound=Callable[..., Any])

SETTING_HELP = {
    "home": "Folder for all state of the node.  [default: $XDG_DATA_HOME/trunkline]",
    "sip_host": "IP address for SIP and media.  [default: 127.0.0.1]",
    "public_ip": "Address that peers are told, where it differs from --sip-host (NAT, a cloud's elastic address).",
    "second_host": "Address of the other family (IPv6 beside IPv4), for SIP and media.",
    "sip_port": "Port for SIP by UDP and TCP.  [default: 5060]",
    "tls_port": "Port for SIP by TLS.  [default: 5061]",
    "http_host": "IP address for the API.  [default: 127.0.0.1]",
    "http_port": "Port for the API.  [default: 8080]",
    "rtp_ports": "First and last UDP port for media.  [default: 10000-60000]",
    "database_url": "postgresql://… for the store.  [default: SQLite in the home]",
    "realm": "Digest realm; stored credentials depend on it.  [default: sip.twilio.com]",
    "domain_suffixes": "Domains under which trunks have their names, by commas.  [default: pstn.twilio.com]",
    "no_funds_response": "403 or 603, for accounts without funds or standing.  [default: 403]",
    "drain_seconds": "How long the first SIGTERM lets calls finish.  [default: 30]",
    "sip_workers": "SIP processes for each socket.  [default: as many as processors, at least 2]",
    "nonce_seconds": "How long a digest challenge is good.  [default: 120]",
    "ban_seconds": "How long the first ban of a flooding or guessing source lasts.  [default: 60]",
    "setup_seconds": "After so long no further target of a call is tried.  [default: 20]",
    "ring_seconds": "How long a callee may ring, from its newest 18x.  [default: 185]",
    "pdd_seconds": "After so long with a 100 and nothing more a target has failed.  [default: 60]",
    "carrier_order": "priority or cost: what decides first which carrier takes a call.  [default: priority]",
    "media_timeout": "Seconds without audio after which a call is ended on both sides.  [default: 600]",
    "log_level": "debug, info, warning or error.  [default: info]",
}
METAVARS = {
    "home": "DIR",
    "sip_host": "IP",
    "public_ip": "IP",
    "second_host": "IP",
    "http_host": "IP",
    "rtp_ports": "FIRST-LAST",
}


def setting_options(*names: str) -> Callable[[Function], Function]:
    """Options for settings. Their values stay text: the environment's are, too, and one parser reads both."""

    def add(function: Function) -> Function:
        for name in reversed(names):
            option = "--" + name.replace("_", "-")
            metavar = METAVARS.get(name, "TEXT" if name in ("realm", "log_level", "database_url") else "N")
            function = click.option(option, name, metavar=metavar, help=SETTING_HELP[name])(function)
        return function

    return add


def load_settings(options: Mapping[str, object]) -> Settings:
    try:
        return Settings.load(options, os.environ)
    except SettingsError as problem:
        cannot(str(problem))


def node_url(settings: Settings, options: Mapping[str, object]) -> str:
    """Where the API of this home's node is: as the options or the environment say, else as the node has written."""
    if any(options.get(name) or os.environ.get(variable_name(name)) for name in ("http_host", "http_port")):
        return settings.api_url
    try:
        return str(json.loads(settings.account_file.read_text())["api_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return settings.api_url


def given_options(options: Mapping[str, object]) -> str:
    """Those that were given, as they are typed: ` --home '/a home'`, for a command that is to be typed next."""
    given = {name: value for name, value in options.items() if value is not None}
    return "".join(f" {option_name(name)} {shlex.quote(str(value))}" for name, value in given.items())


def cannot(message: str) -> NoReturn:
    """One line on stderr and exit status 2."""
    click.echo(f"trunkline: {plain(' '.join(message.split()))}", err=True)
    sys.exit(EXIT_CANNOT)


def json_option(function: Function) -> Function:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def show_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))


def plain(text: object) -> str:
    """Without what a terminal would act on: a reason phrase, a Contact, a User-Agent come from strangers."""
    return "".join(c if c.isprintable() else "?" for c in str(text or ""))


def show(line: str) -> None:
    """One line that has text of strangers in it."""
    click.echo(plain(line))


def terminal_width(stream: TextIO) -> int:
    """Columns of the terminal that the stream is; 0 where it is a file or a pipe."""
    return get_terminal_size((WIDEST, 24)).columns if stream.isatty() else 0


def in_width(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """The text in lines of at most `width` columns, cut at blanks alone; whole where width is 0. `first` stands ahead
    of the first line, `rest` ahead of the others.
    """
    if not width:
        return [first + text]
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def say(line: str) -> None:
    """A line for a person, at once even when stdout is a file or a pipe. A closed terminal ends no node."""
    try:
        show(line)
        sys.stdout.flush()
    except OSError:
        return
