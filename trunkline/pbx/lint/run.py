"""Lints the files of one PBX together: what one refers to may stand in another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trunkline.pbx.lint import asterisk_conf, chan_sip_rules, dialplan_rules, freeswitch_rules, pjsip_rules, rtp_rules
from trunkline.pbx.lint.asterisk_conf import Configuration, Section
from trunkline.pbx.lint.desk import Desk
from trunkline.pbx.lint.dialplan_rules import TrunkEntry
from trunkline.pbx.lint.finding import PROBLEM, LintFinding, Place
from trunkline.pbx.lint.freeswitch_xml import read as read_freeswitch
from trunkline.pbx.lint.provider import Provider
from trunkline.pbx.lint.source import Budget, Unreadable, printable

KINDS = {
    "pjsip": "pjsip.conf",
    "sip": "sip.conf",
    "rtp": "rtp.conf",
    "extensions": "extensions.conf",
    "freeswitch": "FreeSWITCH XML",
}
ELSEWHERE = {
    "extensions": ("extensions.ael", "extensions.lua"),
    "pjsip": ("pjsip_wizard.conf", "sorcery.conf"),
}
"""Files beside one of a kind that may hold what is missing in it: other languages, generated sections, a database."""
PJSIP_TYPES = {"endpoint", "aor", "auth", "transport", "identify", "registration", "global", "acl", "system"}


@dataclass(slots=True)
class LintReport:
    files: dict[str, str] = field(default_factory=dict)
    """File to what it was read as (`KINDS`)."""
    findings: list[LintFinding] = field(default_factory=list)
    skipped: list[tuple[Place, str]] = field(default_factory=list)
    """Includes that were not read, and why: what is missing may be there, and is not judged."""

    @property
    def problems(self) -> int:
        return sum(finding.severity == PROBLEM for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """`trunkline.lint/1`."""
        return {
            "schema": "trunkline.lint/1",
            "files": [{"file": name, "kind": kind} for name, kind in self.files.items()],
            "problems": self.problems,
            "hints": len(self.findings) - self.problems,
            "findings": [finding.to_json() for finding in self.findings],
            "skipped": [{"file": place.file, "line": place.line, "why": why} for place, why in self.skipped],
        }


def lint(
    paths: Sequence[Path],
    chosen: Provider | None = None,
    known: Iterable[Provider] = (),
    folder: Path | None = None,
) -> LintReport:
    """Reads the files and judges them.

    `chosen`: the provider that the trunks are of; None: recognised among `known` by their hosts, else judged as any
    trunk. Includes are followed below `folder`, or below the folder of each file. Raises Unreadable.
    """
    report, desk, budget = LintReport(), Desk(chosen, known), Budget()
    read: dict[str, list[Configuration]] = {kind: [] for kind in KINDS}
    xml: list[Path] = []
    for path in paths:
        if _is_xml(path):
            xml.append(path)
            report.files[str(path)] = KINDS["freeswitch"]
            continue
        configuration = asterisk_conf.read(path, folder or path.parent, budget)
        kind = kind_of(configuration)
        report.files[str(path)] = KINDS[kind]
        if any(_says_something(path.parent / name) for name in ELSEWHERE.get(kind, ())):
            configuration.complete = False
        read[kind].append(configuration)
        report.skipped += configuration.skipped
        wizards = (section for section in configuration.sections if section.value("type").lower() == "wizard")
        report.skipped += [(section.place, "type=wizard is not judged") for section in wizards]
    trunks = _trunks(read, desk)
    for configuration in read["rtp"]:
        rtp_rules.judge(configuration, desk)
    if read["extensions"]:
        is_alone = not read["pjsip"] and not read["sip"]
        dialplan_rules.judge(merged(read["extensions"]), None if is_alone else trunks, desk)
    if xml:
        freeswitch_rules.judge(read_freeswitch(xml, budget), desk)
    report.findings = desk.sorted()
    return report


def merged(configurations: list[Configuration]) -> Configuration:
    """Files of one kind as one."""
    whole = Configuration(configurations[0].file)
    for configuration in configurations:
        whole.sections += configuration.sections
    whole.complete = all(one.complete or not one.skipped for one in configurations) and any(
        one.complete for one in configurations
    )
    return whole


def _trunks(read: dict[str, list[Configuration]], desk: Desk) -> list[TrunkEntry]:
    found = []
    if read["pjsip"]:
        for trunk, provider in pjsip_rules.judge(merged(read["pjsip"]), desk):
            found.append(_entry(trunk.endpoint, trunk.endpoint, not trunk.registrations, provider))
    if read["sip"]:
        whole = merged(read["sip"])
        registers = any(section.all("register") for section in whole.named("general"))
        for peer, provider in chan_sip_rules.judge(whole, desk):
            found.append(_entry(peer.section, peer.general, not registers, provider))
    return found


def _entry(section: Section, general: Section, by_number: bool, provider: Provider) -> TrunkEntry:
    holder = section if section.last("context") is not None else general
    return TrunkEntry(section.name, holder.value("context"), holder.place_of("context"), by_number, provider)


def _says_something(path: Path) -> bool:
    """Whether a file holds more than the comments that it is installed with."""
    try:
        with path.open("rb") as stream:
            lines = stream.read(1 << 20).splitlines()
    except OSError:
        return False
    return any(line.strip() and not line.lstrip().startswith((b";", b"[", b"//", b"--")) for line in lines)


def _is_xml(path: Path) -> bool:
    if path.suffix.lower() == ".xml":
        return True
    try:
        with path.open("rb") as stream:
            start = stream.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    except (OSError, ValueError):
        return False  # the reader says what is wrong with it
    return start.startswith(b"<")


def kind_of(configuration: Configuration) -> str:
    """A name of `KINDS`, by the file's name, else by what is in it. Raises Unreadable where it is none of them."""
    options = [option for section in configuration.sections for option in section.options]
    names = {option.name for option in options}
    types = {option.value.lower() for option in options if option.name == "type"}
    if "exten" in names and types & {"endpoint", "aor"}:
        # Judged as one of them, what is wrong in the other would go by unseen.
        told = "pjsip.conf and extensions.conf in one file: give each a file of its own"
        raise Unreadable(f"{printable(configuration.file)}: {told}")
    name = Path(configuration.file).name.lower()
    for kind, start in (("pjsip", "pjsip"), ("sip", "sip"), ("rtp", "rtp"), ("extensions", "extensions")):
        if name.startswith(start) and name.endswith((".conf", ".conf.sample", ".txt", ".template")):
            return kind
    if names & {"exten", "same"}:
        return "extensions"
    if types & {"peer", "friend", "user"}:
        return "sip"
    if types & PJSIP_TYPES:
        return "pjsip"
    if names & {"rtpstart", "rtpend"}:
        return "rtp"
    if names & {"externaddr", "externip", "localnet", "udpbindaddr", "bindport"}:
        return "sip"
    raise Unreadable(
        f"{printable(configuration.file)}: no pjsip.conf, sip.conf, rtp.conf, extensions.conf or FreeSWITCH XML"
    )
