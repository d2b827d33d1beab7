"""`trunkline calls`: the latest calls of a running node, and how to look into one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from trunkline.cli.call_log import PATH, has_failed, log_client, way
from trunkline.cli.options import (
    cannot,
    given_options,
    json_option,
    load_settings,
    node_url,
    plain,
    setting_options,
    show_json,
    terminal_width,
)

LOOKED_AT = 10_000
"""Newest calls among which failed ones are looked for."""
MOST = 1000


@click.command(short_help="List the latest calls: when, from whom to whom, and what became of each.")
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help="How many, newest first.")
@click.option("--failed", is_flag=True, help="Only those that failed: not the busy, unanswered and cancelled ones.")
@setting_options("home", "http_host", "http_port")
@json_option
def calls(limit: int, failed: bool, as_json: bool, **options: Any) -> None:
    """List the latest calls of the node, newest first: time, SID, direction, from and to, what became of it, how long
    it was talked, and the SIP status with its reason, or why the trunk refused it.

    The node must run. What happened to one of them, and what to change: trunkline explain SID.

    \b
    Examples:
      trunkline calls
      trunkline calls --failed --limit 5
      trunkline calls --json --limit 1000 --home /var/lib/trunkline
    """
    from trunkline.api.client import ApiClientError

    settings = load_settings(options)
    try:
        with log_client(settings, node_url(settings, options)) as api:
            newest = api.list(PATH, most=LOOKED_AT if failed else limit)
            found = list(islice(filter(has_failed, newest) if failed else newest, limit))
    except ApiClientError as problem:
        cannot(str(problem))
    if as_json:
        show_json(found)
    elif not found:
        click.echo(_nothing(failed=failed, same=given_options(options)))
    else:
        width = terminal_width(sys.stdout)
        for line in (*call_lines(found, width), *_next(found, given_options(options))):
            click.echo(line)


def call_lines(found: list[dict[str, Any]], width: int) -> list[str]:
    """A line for each call; two where one has more than `width` columns, and the second is cut there. 0: never."""
    rows = [_cells(call) for call in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(size) for cell, size in zip(row, widths, strict=True)] for row in rows]
    lines = ["  ".join(row).rstrip() for row in padded]
    if not width or max(map(len, lines)) <= width:
        return lines
    lines = []
    for when, sid, direction, parties, status, seconds, said in padded:
        lines.append(f"{when}  {sid}  {status}  {seconds}".rstrip())
        second = f"  {direction}  {parties}  {said}".rstrip()
        lines.append(second if len(second) <= width else second[: width - 1] + "…")
    return lines


def _cells(call: dict[str, Any]) -> tuple[str, ...]:
    began = datetime.fromtimestamp(call["started_us"] / 1e6, UTC)
    parties = f"{plain(call['caller']) or 'nobody'} → {plain(call['called']) or 'nowhere'}"
    seconds = f"{call['duration']} s" if call["duration"] else ""
    return f"{began:%Y-%m-%d %H:%M:%S}", call["sid"], way(call), parties, call["status"], seconds, _said(call)


def _said(call: dict[str, Any]) -> str:
    """`486 Busy Here`, `403 bad credentials, error 32202`."""
    words = plain(call["cause"]).replace("_", " ").lower() if call["cause"] else plain(call["sip_reason"])
    error = f", error {call['error_code']}" if call["error_code"] else ""
    return f"{call['sip_status'] or ''} {words}".strip() + error


def _nothing(*, failed: bool, same: str) -> str:
    if failed:
        return f"None of the newest calls failed ({LOOKED_AT:,} are looked at). All calls: `trunkline calls{same}`."
    return f"No call is on record yet. `trunkline call +15550100000{same}` places one through the demo."


def _next(found: list[dict[str, Any]], same: str) -> list[str]:
    """How to look into one: the newest that failed, else the newest."""
    shown = next(filter(has_failed, found), found[0])
    what = "Times are UTC. What happened to a call, and what to change:"
    return ["", what, f"  trunkline explain {shown['sid']}{same}"]


COMMANDS = (calls,)
