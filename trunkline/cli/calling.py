"""Commands that speak SIP themselves: call, ping, carrier."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli.options import (
    EXIT_FAILED,
    cannot,
    given_options,
    json_option,
    load_settings,
    setting_options,
    show,
    show_json,
    terminal_width,
)

if TYPE_CHECKING:
    from trunkline.testbench.result import CallResult


def _show_faults(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from trunkline.testbench.faults import fault_list

        click.echo(fault_list("pbx", terminal_width(sys.stdout)))
        context.exit()


def _known_fault(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Before CALLED is missed: whoever asks for a fault that there is not wants to see which there are."""
    if name is not None:
        from trunkline.testbench.faults import UnknownFault, choose

        try:
            choose(name, "pbx", terminal_width(sys.stderr))
        except UnknownFault as problem:
            raise click.ClickException(str(problem)) from None
        except ValueError as problem:
            cannot(str(problem))
    return name


@click.command()
@click.argument("called")
@click.option("--via", metavar="SIP_URI", help="Where to send the call.  [default: the demo's node]")
@click.option("--domain", help="The trunk's termination domain, when CALLED is a number.  [default: the demo's]")
@click.option("--username", help="Digest user name.  [default: the demo's]")
@click.option("--password", envvar="TRUNKLINE_CALL_PASSWORD", help="Digest password, or $TRUNKLINE_CALL_PASSWORD.")
@click.option("--from", "caller", metavar="NUMBER", help="Caller ID, +E.164.  [default: the demo's]")
@click.option("--transport", type=click.Choice(["udp", "tcp", "tls"]), default="udp", show_default=True)
@click.option(
    "--srtp",
    type=click.Choice(["off", "optional", "mandatory"]),
    help="A secure trunk wants mandatory, with --transport tls.  [default: off]",
)
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=3.0, show_default=True, help="Hang up after that.")
@click.option("--media", default="tone:1000", show_default=True, help="What to send: tone:HZ, echo or none.")
@click.option("--digits", default="", help="DTMF to send (RFC 4733), as 123#.")
@click.option(
    "--expect-tone/--no-expect-tone", default=None, help="Fail unless the tone comes back.  [default: for an echo]"
)
@click.option(
    "--tls-ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check TLS against this CA."
)
@click.option("--trace", type=click.Path(dir_okay=False, path_type=Path), help="Append the SIP messages to this file.")
@click.option(
    "--from-carrier", is_flag=True, help="Let the demo's carrier call CALLED, a number of yours (origination)."
)
@click.option(
    "--fault",
    metavar="NAME[=VALUE]",
    is_flag=False,
    flag_value="",
    is_eager=True,
    callback=_known_fault,
    help="Be a PBX with this fault, over UDP; --list-faults shows them.",
)
@click.option(
    "--list-faults", is_flag=True, is_eager=True, expose_value=False, callback=_show_faults, help="Print the faults."
)
@click.option(
    "--capture", type=click.Path(dir_okay=False, path_type=Path), help="With --fault: every packet, as a pcap file."
)
@setting_options("home")
@json_option
def call(as_json: bool, **options: Any) -> None:
    """Place one real call with media through a trunk and say in words what happened.

    CALLED is a number in +E.164, or a SIP URI. Without further options the call goes through the demo of the node in
    --home. Exit status 1 when the call failed, 2 when it could not be placed.

    \b
    Examples:
      trunkline call +15550100000                      the demo's echo: a tone goes out and has to come back
      trunkline call +15550100486                      a busy number
      trunkline call +15550100733 --digits 123#        digits, read back by the carrier
      trunkline call +15550100000 --transport tls
      trunkline call --from-carrier +15557770001       from the PSTN side to a number of the demo,
                                                       once its trunk has an origination URL (demo-info)
      trunkline call sip:+15551234567@acme.pstn.twilio.com --via 'sip:192.0.2.10:5060;transport=tcp' \\
          --username pbx --password secret --from +15557654321
    """
    from trunkline.cli import call_request
    from trunkline.testbench.control import ControlError

    home = {"home": options.pop("home")}
    settings = load_settings(home)
    fault, capture = options.pop("fault"), options.pop("capture")
    try:
        request = call_request.CallRequest(**options)
        if fault is not None:
            outcome = call_request.faulty(settings, request, fault, capture)
            outcome["sid"] = call_request.sid(settings, request, str(outcome.get("call_id", "")))
            sys.exit(_call_with_fault(outcome, given_options(home), as_json))
        if capture is not None:
            cannot("--capture goes with --fault; --trace has the SIP messages of a call without one")
        report = call_request.place(settings, request)
        sid = call_request.sid(settings, request, _recorded(report.result))
    except (call_request.CannotCall, ControlError, TimeoutError, OSError, ValueError) as problem:
        cannot(str(problem))
    if as_json:
        show_json(report.to_json() | {"sid": sid})
    else:
        for sentence in report.explanation:
            show(sentence)
        _show_next(sid, given_options(home))
    sys.exit(0 if report.ok else EXIT_FAILED)


def _recorded(result: CallResult) -> str:
    """The Call-ID, or nothing where no trunk has a record: none answered, or it asked for credentials alone."""
    return result.call_id if result.answers and result.sip_status not in (401, 407) else ""


def _show_next(sid: str | None, same: str) -> None:
    if sid is not None:
        show(f"Its record: trunkline explain {sid}{same}")


def _call_with_fault(outcome: dict[str, object], same: str, as_json: bool) -> int:
    """Says what came of it. A call that fails is what a fault is for, so the exit status is 0."""
    if as_json:
        show_json(outcome)
    else:
        sid = outcome.pop("sid")
        show(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.items() if value != ""))
        _show_next(sid if isinstance(sid, str) else None, same)
    return 0


@click.command()
@click.argument("sip_uri")
@click.option("--count", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many OPTIONS to send.")
@click.option("--interval", type=click.FloatRange(0, 60), default=0.5, show_default=True, help="Seconds between two.")
@click.option(
    "--wait", type=click.FloatRange(0.1, 60), default=2.0, show_default=True, help="Seconds to wait for an answer."
)
@click.option(
    "--tls-ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check TLS against this CA."
)
@json_option
def ping(sip_uri: str, count: int, interval: float, wait: float, tls_ca: Path | None, as_json: bool) -> None:
    """Ask a SIP address with OPTIONS whether anybody is there, and measure how long the answer takes.

    Exit status 1 when nobody answered, 2 when SIP_URI is not usable.

    \b
    Examples:
      trunkline ping sip:127.0.0.1:5060
      trunkline ping 'sip:192.0.2.10:5061;transport=tls' --count 10 --json
    """
    import asyncio

    from trunkline.testbench import ping as pinging

    def tell(echo: pinging.Echo) -> None:
        if as_json:
            return
        if echo.sip_status is None:
            show(f"{sip_uri}: {echo.failure}")
        else:
            show(
                f"{sip_uri}: {echo.sip_status} {echo.sip_reason} in {echo.milliseconds:.2f} ms  {echo.server}".rstrip()
            )

    try:
        target = pinging.parse_target(sip_uri)
        report = asyncio.run(
            pinging.ping(target, count=count, interval=interval, patience=wait, ca=tls_ca, on_echo=tell)
        )
    except pinging.PingError as problem:
        cannot(str(problem))
    if as_json:
        show_json(report.to_json())
    elif report.times is not None:
        low, mean, high = report.times
        click.echo(f"{report.received} of {count} answered; min {low:.2f}, mean {mean:.2f}, max {high:.2f} ms")
    else:
        click.echo(f"0 of {count} answered")
    sys.exit(0 if report.received else EXIT_FAILED)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []},
    short_help="Run the simulated PSTN by itself; --numbers lists what it answers.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def carrier(arguments: tuple[str, ...]) -> None:
    """The simulated PSTN; its own parser has the options and the help."""
    from trunkline.testbench import carrier as simulated

    sys.exit(simulated.main(arguments))


COMMANDS = (call, ping, carrier)
