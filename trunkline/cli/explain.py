"""`trunkline explain`: the record of one call in words, and what the trace analyzer says of it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli.call_log import PATH, has_failed, log_client, way
from trunkline.cli.options import (
    cannot,
    in_width,
    json_option,
    load_settings,
    node_url,
    plain,
    setting_options,
    show_json,
    terminal_width,
)

if TYPE_CHECKING:
    from trunkline.api.client import ApiClient

LOOKED_AT = 200
"""Newest calls among which the last failed one is looked for."""
NOT_REACHED = ("busy", "no-answer", "canceled")
"""Statuses of calls that reached nobody, and failed for no fault of anybody's."""


@click.command(short_help="Say what happened to a call, and what to change.")
@click.argument("call_sid", required=False)
@setting_options("home", "http_host", "http_port")
@json_option
def explain(call_sid: str | None, as_json: bool, **options: Any) -> None:
    """Show the record of a call, its attempts and alerts, and what the trace analyzer found in its SIP messages.

    Without CALL_SID the newest call that failed; where none did, the newest that was busy, not answered or
    cancelled. The node must run. The messages themselves, for Wireshark or a ticket: GET
    /trunkline/v1/Calls/CALL_SID/Trace.

    \b
    Examples:
      trunkline explain
      trunkline explain CAa1b2c3d4e5f60718293a4b5c6d7e8f90
    """
    from trunkline.api.client import ApiClientError, ApiRefused

    settings = load_settings(options)
    try:
        with log_client(settings, node_url(settings, options)) as api:
            sid = call_sid or _newest_to_explain(api)
            record = api.get(f"{PATH}/{sid}")
            try:
                analysis = api.get(f"{PATH}/{sid}/Analysis")
            except ApiRefused:
                analysis = None
    except ApiClientError as problem:
        cannot(str(problem))
    if as_json:
        show_json(record | {"analysis": analysis})
        return
    width = terminal_width(sys.stdout)
    for line in (*record_lines(record), *analysis_lines(record, analysis)):
        for part in wrapped(line, width):
            click.echo(part)


def wrapped(line: str, width: int) -> list[str]:
    """The line in lines of at most `width` columns, further ones two columns in; whole where width is 0. What is to be
    copied (six blanks ahead) stays whole.
    """
    if not width or len(line) <= width or line.startswith(" " * 6):
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return in_width(line, width, rest=indent)


def _newest_to_explain(api: ApiClient) -> str:
    """SID of the newest call that failed; where none did, of the newest that reached nobody, and stderr says so."""
    newest = list(api.list(PATH, most=LOOKED_AT))
    failed = next(filter(has_failed, newest), None)
    if failed is not None:
        return str(failed["sid"])
    if not newest:
        cannot("no call is on record yet: `trunkline call` places one")
    unreached = next((call for call in newest if call["status"] in NOT_REACHED), None)
    if unreached is None:
        cannot(
            f"none of the newest {len(newest)} calls failed: for the last one, `trunkline explain {newest[0]['sid']}`"
        )
    click.echo(f"None of the newest {len(newest)} calls failed. The last one that reached nobody:", err=True)
    return str(unreached["sid"])


def record_lines(record: dict[str, Any]) -> list[str]:
    """The call in a few lines."""
    began = datetime.fromtimestamp(record["started_us"] / 1e6, UTC)
    parties = f"from {plain(record['caller']) or 'nobody'} to {plain(record['called']) or 'nowhere'}"
    lines = [
        f"Call {record['sid']}, {began:%Y-%m-%d %H:%M:%S} UTC, {way(record)}",
        f"  {parties}, by {plain(record['source_address'])} ({plain(record['user_agent']) or 'no User-Agent'})",
    ]
    ended = f"{record['sip_status'] or ''} {plain(record['sip_reason'])}".strip()
    talk = f", {record['duration']} s" if record["duration"] else ""
    lines.append(f"  {record['status']}{talk}{': ' + ended if ended else ''}")
    for attempt in record["attempts"]:
        said = f"{attempt['sip_status'] or 'no answer'} {plain(attempt['sip_reason'])}".strip()
        why = f" ({plain(attempt['next'])})" if attempt.get("next") else ""
        lines.append(f"  attempt {attempt['n'] + 1}: {plain(attempt['uri'])}: {said}{why}")
    lines += [f"  {alert['error_code']}: {plain(alert['alert_text'])}" for alert in record["alerts"]]
    if record["more_info"]:
        lines.append(f"  What to do: {record['more_info']}")
    return lines


def analysis_lines(record: dict[str, Any], analysis: dict[str, Any] | None) -> list[str]:
    """What the analyzer found; facts without consequence are left out."""
    if analysis is None:
        return ["", "The trace analyzer has nothing on this call: it judges those that fail or sound poor."]
    lines = ["", f"In its SIP messages: {plain(analysis['verdict'])}"]
    for finding in analysis["findings"]:
        if finding["severity"] == "info":
            continue
        lines += ["", f"  {finding['severity'].upper()}  {plain(finding['title'])}  [{finding['rule']}]"]
        lines.append(f"    {plain(finding['what'])}")
        lines.append(f"    {plain(finding['why'])}")
        for fix in finding["fixes"][:2]:
            lines.append(f"    Fix: {plain(fix['title'])}{': ' + plain(fix['file']) if fix['file'] else ''}")
            lines += [f"      {plain(line)}" for line in (fix["snippet"] or fix["text"]).splitlines()]
    lines += ["", f"The messages, as a pcap: GET /trunkline/v1/Calls/{record['sid']}/Trace"]
    lines.append("  `trunkline analyze --provider trunkline` reads it.")
    return lines


COMMANDS = (explain,)
