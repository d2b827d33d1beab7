"""`trunkline pbx`: check the configuration of a PBX, or write one for a trunk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import pbx_files
from trunkline.cli.options import EXIT_FAILED, cannot, json_option, setting_options, show_json

if TYPE_CHECKING:
    from trunkline.pbx.lint.finding import LintFinding
    from trunkline.pbx.lint.provider import Provider
    from trunkline.pbx.lint.run import LintReport

SYSTEMS = (
    "asterisk", "chan_sip", "freepbx", "freeswitch", "fusionpbx", "3cx", "kamailio", "opensips", "cube", "audiocodes",
)  # fmt: skip

MOST_NAMED = 5
"""Files that the last line names; of more it says how many."""


@click.group()
def pbx() -> None:
    """The configuration of a PBX: check one, or write one for a trunk."""


@pbx.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option(
    "--provider", metavar="NAME|FILE", help="twilio, trunkline, generic or a profile file.  [default: recognise]"
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Includes are followed below it only.  [default: the folder of each FILE]",
)
@json_option
def lint(files: tuple[Path, ...], provider: str | None, folder: Path | None, as_json: bool) -> None:
    """Say which settings of a PBX break a trunk, at which line, and what to write instead.

    FILE is pjsip.conf, sip.conf, rtp.conf or extensions.conf of Asterisk, or a gateway, a SIP profile or vars.xml of
    FreeSWITCH, told by name or content. Files of one PBX are judged together: name them all at once.

    A problem is a setting whose effect is certain, a hint one that may hurt. Exit status 0: no problem, 1: problems,
    2: a file could not be read.

    \b
    Examples:
      trunkline pbx lint /etc/asterisk/pjsip.conf --provider twilio
      trunkline pbx lint /etc/asterisk/{pjsip,rtp,extensions}.conf
      trunkline pbx lint vars.xml sip_profiles/external.xml sip_profiles/external/*.xml --json
    """
    from trunkline.pbx.lint.run import lint as run
    from trunkline.pbx.lint.source import Unreadable

    chosen = _provider(provider) if provider is not None else None
    known = [_provider("twilio")] if provider is None else []
    try:
        report = run(files, chosen, known, folder)
    except Unreadable as problem:
        cannot(str(problem))
    if as_json:
        show_json(report.to_json())
    else:
        _show(report)
    sys.exit(EXIT_FAILED if report.problems else 0)


@pbx.command()
@click.option(
    "--pbx", "system", type=click.Choice(SYSTEMS), required=True, metavar="NAME", help=", ".join(SYSTEMS) + "."
)
@click.option("--trunk", metavar="SID|NAME", help="A trunk of the running node: SID, name or domain.")
@click.option("--domain", metavar="NAME", help="Domain of a trunk anywhere; no node is asked.")
@click.option("--username", metavar="NAME", help="Digest user name.")
@click.option("--password", envvar="TRUNKLINE_PBX_PASSWORD", help="Written as it is.  [default: a placeholder]")
@click.option("--realm", help="Of the trunk's challenge.  [default: that of the node, or any]")
@click.option("--number", "numbers", multiple=True, metavar="+E164", help="A number of the trunk; may be repeated.")
@click.option("--secure/--plain", default=None, help="TLS and SRTP, or UDP and RTP.  [default: as the trunk, or plain]")
@click.option(
    "--auth",
    "way",
    type=click.Choice(["credentials", "address", "registration"]),
    help="How the trunk knows the PBX.  [default: as the trunk, or credentials]",
)
@click.option("--edge", metavar="HOST", help="Address of the trunk, where its domain's name does not lead there.")
@click.option("--port", type=click.IntRange(1, 65535), help="SIP port of the trunk.  [default: 5060; 5061 with TLS]")
@click.option(
    "--own-ca/--public-ca",
    default=None,
    help="Who signs its certificate: the node, or a public authority.  [default: as the node, or public]",
)
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="Where its calls come from; repeatable.")
@click.option("--public-ip", metavar="IP", help="Public address of the PBX, where it stands behind NAT.")
@click.option("--local-net", metavar="CIDR", help="Its own network then.")
@click.option("--name", help="What the trunk is called in the configuration.  [default: trunk]")
@click.option("--extension", help="Whom calls from the trunk ring.  [default: 100]")
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write each file below this folder, under the name that the PBX wants.",
)
@click.option("--force", is_flag=True, help="With --write: replace files that are there.")
@setting_options("home")
@json_option
def config(
    system: str, trunk: str | None, folder: Path | None, force: bool, as_json: bool, home: str | None, **given: Any
) -> None:
    """Print the configuration of a PBX for one trunk: calls out (termination) and in (origination), media, TLS.

    --trunk asks the node in --home, which has to run; --domain works without one. Passwords are not stored anywhere, so
    YOUR_PASSWORD stands where none is given. Only a trunk that takes registrations wants --auth registration.

    --write makes files of it: one that is there is left alone without --force, one with the password in it is for you
    alone (0600), and what is no file (a web page, a command) stands in by-hand.txt.

    \b
    Examples:
      trunkline pbx config --trunk TK… --pbx asterisk
      trunkline pbx config --trunk TK… --pbx freeswitch --write ./trunk
      trunkline pbx config --domain acme.pstn.twilio.com --username pbx --number +15557654321 --pbx freeswitch
      trunkline pbx config --domain acme.pstn.twilio.com --secure --auth address --pbx cube --public-ip 203.0.113.10
    """
    from trunkline.pbx.config.request import RequestInvalid, TrunkRequest

    if force and folder is None:
        cannot("--force goes with --write")
    values = {name: value for name, value in given.items() if value not in (None, ())}
    if (trunk is None) == ("domain" not in values):
        cannot("name the trunk by --trunk (of the running node) or by --domain")
    if trunk is not None:
        from trunkline.cli.trunk_facts import facts

        known = facts(home, trunk)
        plain_port, tls_port = known.pop("ports")
        if not known.pop("registration") and values.get("way") == "registration":
            cannot("this trunk takes no registrations: set its Registration to allowed (docs/api.md)")
        values = known | values
        values.setdefault("port", tls_port if values["secure"] else plain_port)
    values.setdefault("networks", _networks_of(str(values["domain"])) if "edge" not in values else ())
    try:
        request = TrunkRequest(**values)
        if folder is None:
            pbx_files.show(request, system, as_json=as_json)
        else:
            pbx_files.write(request, system, folder, force=force, as_json=as_json)
    except RequestInvalid as problem:
        cannot(str(problem))


def _networks_of(domain: str) -> tuple[str, ...]:
    """Those of the provider whose domain this is, where they are published."""
    provider = _provider("twilio")
    return tuple(str(network) for network in provider.networks) if provider.has_host(domain) else ()


def _provider(name: str) -> Provider:
    """The facts that lint needs, out of a profile of the analyzer."""
    from trunkline.analyzer.profiles.profile import ProfileInvalid, load_profile
    from trunkline.pbx.lint.provider import Provider

    try:
        profile = load_profile(name)
    except ProfileInvalid as problem:
        cannot(str(problem))
    media, limited = profile.media, profile.media.limited_codecs
    return Provider(
        name=profile.name,
        title=profile.title,
        hosts=profile.signalling.request_hosts,
        networks=profile.signalling.networks,
        realms=profile.authentication.realms,
        # Whether a trunk of ours takes registrations is one of its settings.
        registers=None
        if profile.name == "trunkline"
        else {"yes": True, "no": False}.get(profile.authentication.register),
        answers_challenges=profile.authentication.answers_challenges,
        plus_called=profile.numbers.called == "+e164",
        plus_caller=profile.numbers.caller == "+e164",
        plus_origination=profile.numbers.origination == "+e164",
        exempt=profile.numbers.exempt,
        codecs=tuple(codec.upper() for codec in (*media.codecs, *limited)) if media.codecs else (),
        ptime=media.max_ptime,
        dtmf_rfc4733=media.dtmf == "rfc4733",
        sdes_only=media.srtp == "sdes",
        srtp_needs_tls=media.srtp == "sdes" and not media.srtp_with_udp,
        tls_12=profile.name in ("twilio", "trunkline"),
        port_tls=profile.signalling.port_tls,
        timers_ignored=profile.features.session_timers == "ignored",
        private_contact=profile.signalling.private_contact,
    )


def _show(report: LintReport) -> None:
    for finding in report.findings:
        _show_one(finding)
    for place, why in report.skipped:
        click.echo(f"{place.file}:{place.line}: not followed: {why}")
    hints = len(report.findings) - report.problems
    files = ", ".join(f"{name} ({kind})" for name, kind in report.files.items())
    if len(report.files) > MOST_NAMED:
        files = f"{len(report.files)} files"
    click.echo(f"{report.problems} problem{'s' * (report.problems != 1)}, {hints} hint{'s' * (hints != 1)} in {files}")


def _show_one(finding: LintFinding) -> None:
    place = finding.place
    click.echo(f"{place.file}:{place.line}: {finding.severity} {finding.rule}: {finding.what}")
    if place.text:
        click.echo(f"    {place.text}")
    click.echo(f"  {finding.why}")
    if finding.corrected:
        click.echo("  Instead:")
        for line in finding.corrected.splitlines():
            click.echo(f"    {line}")
    click.echo()


COMMANDS = (pbx,)
