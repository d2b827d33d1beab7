"""Is this machine fit for a node? Each question has a plain answer: fine, a thing to know, or wrong and what to do."""

from __future__ import annotations

import ipaddress
import os
import resource
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioRpc, KamailioUnreachable
from trunkline.engines.rtpengine.config import max_calls
from trunkline.node import certificates, preflight
from trunkline.node.certificates import CertificateError
from trunkline.node.health import Health
from trunkline.node.ports import problem_with
from trunkline.node.preflight import PreflightError
from trunkline.node.started import as_started
from trunkline.settings import Ports, Settings

FINE, NOTE, WRONG = "ok", "note", "WRONG"
NAMES = "localhost"
SLOW_LOOKUP = 1.0
FILES_WANTED = 4096
SOCKET_BUFFERS_WANTED = {"rmem_max": 4 << 20, "rmem_default": 212_992}
"""Bytes that may wait in a UDP socket: Kamailio asks for the first (`maxbuffer` of kamailio.cfg), others get the next.
With Debian's 212,992 of both, 300 calls/s lose messages whenever no worker runs for a tenth of a second.
"""
SPACE_WANTED = 1 << 30
RENEW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Answer:
    subject: str
    verdict: str
    told: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def check(settings: Settings) -> list[Answer]:
    """All answers, in the order in which they matter. Nothing is changed and nothing outside this machine is asked."""
    running = _is_running(settings)
    questions: tuple[Callable[[Settings, bool], Iterator[Answer]], ...] = (
        _programs, _node, _ports, _addresses, _names, _certificate, _clock, _limits, _disk,
    )  # fmt: skip
    return [answer for question in questions for answer in question(settings, running)]


def running_settings(settings: Settings, options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """`settings`, loaded of the other two. Where a node of that home runs, and no option is of anything but the home:
    what it was started with, so that a check beside it asks for its ports and addresses and not for the usual ones.
    """
    given = {name for name, value in options.items() if value is not None}
    if given - {"home"} or not _edge_answers(settings):
        return settings
    return as_started(settings, options, environ)


def _is_running(settings: Settings) -> bool:
    try:
        return Health(settings, Ports.read(settings.ports_file))().parts["kamailio"] is None
    except (OSError, ValueError):
        return False


def _edge_answers(settings: Settings) -> bool:
    """Whether Kamailio of this home answers on its own socket, whatever SIP address it has."""
    try:
        KamailioRpc(edge_socket(settings)).call("core.version")
    except (KamailioUnreachable, KamailioRefused):
        return False
    return True


def _programs(settings: Settings, running: bool) -> Iterator[Answer]:
    del settings, running
    preflight.extend_path()
    try:
        preflight.check_programs(demo=False)
    except PreflightError as problem:
        yield Answer("programs", WRONG, str(problem))
    else:
        yield Answer("programs", FINE, "Kamailio, its modules and rtpengine are installed")


def _node(settings: Settings, running: bool) -> Iterator[Answer]:
    if not running and _edge_answers(settings):
        told = f"the node in {settings.home} runs with another --sip-host or --sip-port than {settings.sip_host} and "
        yield Answer("node", NOTE, told + f"{settings.sip_port}: give the options that it was started with")
        return
    if not running:
        yield Answer("node", NOTE, f"no node runs in {settings.home}: start it with `trunkline up`")
        return
    parts = Health(settings, Ports.read(settings.ports_file))().parts
    broken = {name: problem for name, problem in parts.items() if problem is not None}
    for name, problem in broken.items():
        yield Answer("node", WRONG, f"{name}: {problem}: look into {settings.log_file}")
    if not broken:
        yield Answer("node", FINE, "a node runs here, and Kamailio, the TLS front and rtpengine answer")


def _ports(settings: Settings, running: bool) -> Iterator[Answer]:
    if running:
        told = f"the node has {settings.sip_port} UDP and TCP, {settings.tls_port} and {settings.http_port} TCP"
        yield Answer("ports", FINE, told)
    else:
        try:
            preflight.check_ports(settings)
        except PreflightError as problem:
            yield Answer("ports", WRONG, str(problem))
        else:
            told = f"{settings.sip_port} UDP and TCP, {settings.tls_port} and {settings.http_port} TCP are free"
            yield Answer("ports", FINE, told)
    first, last = settings.media_ports
    yield Answer("media ports", FINE, f"{first} to {last} carry {max_calls(settings)} calls at a time")
    begin, end = (int(word) for word in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    if first <= end and begin <= last:
        told = f"they overlap {begin} to {end}, from which the kernel serves other programs: a call in a thousand may "
        yield Answer("media ports", NOTE, told + "find one taken, and rtpengine then takes the next")


def _addresses(settings: Settings, running: bool) -> Iterator[Answer]:
    address, advertised = (ipaddress.ip_address(text) for text in (settings.sip_host, settings.advertised_ip))
    if address.is_loopback and settings.public_ip is None:
        told = f"--sip-host {address} is this machine alone: nobody else can call. Give the address that PBXs reach"
        yield Answer("address", NOTE, told)
    elif not running and (problem := problem_with(settings.sip_host, 0, "udp")) is not None:
        yield Answer("address", WRONG, f"--sip-host {address}: {problem.strerror}: `ip address` lists what there is")
    else:
        yield Answer("address", FINE, f"SIP and media on {address}")
    if advertised.is_loopback:
        return
    if not advertised.is_global:
        told = f"peers are told {advertised}, which nobody outside this network reaches: behind NAT give --public-ip"
        yield Answer("NAT", NOTE, told)
    elif settings.public_ip is not None and advertised != address:
        told = f"peers are told {advertised}: the NAT must pass SIP and the media ports one to one to {address}"
        yield Answer("NAT", NOTE, told)
    else:
        yield Answer("NAT", FINE, f"none: peers are told {advertised}, and it is public")


def _names(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    servers = _name_servers()
    if not servers:
        yield Answer("DNS", WRONG, "/etc/resolv.conf names no server: origination URLs with names will not work")
    else:
        yield Answer("DNS", FINE, f"names are asked of {', '.join(servers)}")
    begun = time.monotonic()
    try:
        socket.getaddrinfo(NAMES, None)
    except OSError as problem:
        yield Answer("DNS", WRONG, f"{NAMES} has no address ({problem}): see /etc/hosts and /etc/nsswitch.conf")
    if time.monotonic() - begun > SLOW_LOOKUP:
        yield Answer("DNS", WRONG, f"a look-up took {time.monotonic() - begun:.1f} s: calls to names will be slow")
    suffixes = ", ".join(f"*.{suffix}" for suffix in settings.domain_suffixes)
    yield Answer("DNS", NOTE, f"PBXs reach {suffixes} by an outbound proxy or a wildcard record of your own")


def _name_servers() -> list[str]:
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return []
    return [words[1] for line in lines if (words := line.split())[:1] == ["nameserver"] and len(words) > 1]


def _certificate(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    if not (settings.tls_dir / "cert.pem").exists():
        yield Answer("certificate", NOTE, "none yet: `trunkline up` makes one with a CA of its own")
        return
    try:
        until = certificates.check(settings)
    except CertificateError as problem:
        yield Answer("certificate", WRONG, str(problem))
        return
    left = until - datetime.now(UTC).date()
    if left < timedelta(0):
        yield Answer("certificate", WRONG, f"it ended on {until}: put a new one into {settings.tls_dir}")
    elif left < RENEW:
        yield Answer("certificate", NOTE, f"it ends on {until}: renew it, the node takes new files by itself")
    else:
        yield Answer("certificate", FINE, f"valid until {until}")


def _clock(settings: Settings, running: bool) -> Iterator[Answer]:
    """Nonces, call records and certificates go by it."""
    del settings, running
    if datetime.now(UTC).year < 2024:
        yield Answer("clock", WRONG, f"it says {datetime.now(UTC):%Y-%m-%d}: set it, and keep it right by NTP")
        return
    try:
        asked = subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
        synchronized = asked.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        synchronized = ""
    if synchronized == "yes":
        yield Answer("clock", FINE, f"synchronised by NTP, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    elif synchronized == "no":
        yield Answer("clock", WRONG, "not synchronised: apt-get install systemd-timesyncd, or another NTP client")
    else:
        told = f"says {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; whether NTP keeps it cannot be seen from here"
        yield Answer("clock", NOTE, told)


def _limits(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = max(FILES_WANTED, max_calls(settings) * 5)
    if hard != resource.RLIM_INFINITY and hard < FILES_WANTED:
        told = f"a process may have {hard} files open, and media alone wants {wanted}: raise LimitNOFILE"
        yield Answer("limits", WRONG, told)
    elif hard != resource.RLIM_INFINITY and hard < wanted:
        told = f"a process may have {hard} files open: enough for some {hard // 5} calls; raise LimitNOFILE for more"
        yield Answer("limits", NOTE, told)
    else:
        yield Answer("limits", FINE, "open files are no limit")
    for name, wanted in SOCKET_BUFFERS_WANTED.items():
        size = int(Path(f"/proc/sys/net/core/{name}").read_text())
        if size < wanted:
            yield Answer(
                "limits", NOTE, f"net.core.{name} is {size}: set {wanted} by sysctl, or bursts of SIP are lost"
            )


def _disk(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    stat = os.statvfs(place)
    free = stat.f_bavail * stat.f_frsize
    if not os.access(place, os.W_OK):
        yield Answer("home", WRONG, f"{place} is not writable for this user: choose another --home")
    elif free < SPACE_WANTED:
        yield Answer("home", WRONG, f"{free >> 20} MiB are free on {place}: a full disk loses records")
    else:
        yield Answer("home", FINE, f"{free >> 30} GiB are free on {place}")
    if sqlite3.sqlite_version_info < (3, 35):
        yield Answer("home", WRONG, f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is wanted")
