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
from datetime import UTC, date, datetime, timedelta
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
OLDEST_YEAR = 2024
"""A clock that says less was never set."""
RESOLVER = Path("/etc/resolv.conf")
KERNEL = Path("/proc/sys/net/core")


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
    begin, end = (int(word) for word in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    yield from judge_media_ports(settings.media_ports, max_calls(settings), (begin, end))


def judge_media_ports(media: tuple[int, int], calls: int, of_kernel: tuple[int, int]) -> Iterator[Answer]:
    """`media`, `of_kernel`: first and last port, the second those that clients on this machine are given."""
    first, last = media
    yield Answer("media ports", FINE, f"{first} to {last} carry {calls} calls at a time")
    begin, end = of_kernel
    if first <= end and begin <= last:
        told = f"they overlap {begin} to {end}, from which the kernel serves other programs: a call in a thousand may "
        yield Answer("media ports", NOTE, told + "find one taken, and rtpengine then takes the next")


def _addresses(settings: Settings, running: bool) -> Iterator[Answer]:
    problem = None if running else problem_with(settings.sip_host, 0, "udp")
    yield from judge_address(settings.sip_host, settings.public_ip, problem)
    yield from judge_nat(settings.sip_host, settings.advertised_ip, settings.public_ip)


def judge_address(sip_host: str, public_ip: str | None, problem: OSError | None) -> Iterator[Answer]:
    """`problem`: why nothing can be bound there."""
    if ipaddress.ip_address(sip_host).is_loopback and public_ip is None:
        told = f"--sip-host {sip_host} is this machine alone: nobody else can call. Give the address that PBXs reach"
        yield Answer("address", NOTE, told)
    elif problem is not None:
        yield Answer("address", WRONG, f"--sip-host {sip_host}: {problem.strerror}: `ip address` lists what there is")
    else:
        yield Answer("address", FINE, f"SIP and media on {sip_host}")


def judge_nat(sip_host: str, advertised_ip: str, public_ip: str | None) -> Iterator[Answer]:
    """`advertised_ip`: what peers are told. Nothing to say of a node that serves its own machine alone."""
    advertised = ipaddress.ip_address(advertised_ip)
    if advertised.is_loopback:
        return
    if not advertised.is_global:
        told = f"peers are told {advertised}, which nobody outside this network reaches: behind NAT give --public-ip"
        yield Answer("NAT", NOTE, told)
    elif public_ip is not None and advertised != ipaddress.ip_address(sip_host):
        told = f"peers are told {advertised}: the NAT must pass SIP and the media ports one to one to {sip_host}"
        yield Answer("NAT", NOTE, told)
    else:
        yield Answer("NAT", FINE, f"none: peers are told {advertised}, and it is public")


def _names(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    failure: OSError | None = None
    begun = time.monotonic()
    try:
        socket.getaddrinfo(NAMES, None)
    except OSError as problem:
        failure = problem
    yield from judge_names(name_servers(RESOLVER), failure, time.monotonic() - begun, settings.domain_suffixes)


def judge_names(
    servers: list[str], failure: OSError | None, seconds: float, suffixes: tuple[str, ...]
) -> Iterator[Answer]:
    """`failure`, `seconds`: of a look-up of `localhost`; `suffixes`: of the domains of trunks."""
    if not servers:
        yield Answer("DNS", WRONG, f"{RESOLVER} names no server: origination URLs with names will not work")
    else:
        yield Answer("DNS", FINE, f"names are asked of {', '.join(servers)}")
    if failure is not None:
        yield Answer("DNS", WRONG, f"{NAMES} has no address ({failure}): see /etc/hosts and /etc/nsswitch.conf")
    if seconds > SLOW_LOOKUP:
        told = f"a look-up took {seconds:.1f} s: calls to names will be slow. Look at the servers in {RESOLVER}"
        yield Answer("DNS", WRONG, told)
    domains = ", ".join(f"*.{suffix}" for suffix in suffixes)
    yield Answer("DNS", NOTE, f"PBXs reach {domains} by an outbound proxy or a wildcard record of your own")


def name_servers(path: Path) -> list[str]:
    """Of a resolv.conf(5); none where there is no such file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return []
    return [words[1] for line in lines if (words := line.split())[:1] == ["nameserver"] and len(words) > 1]


def _certificate(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    found: date | CertificateError | None = None
    if (settings.tls_dir / "cert.pem").exists():
        try:
            found = certificates.check(settings)
        except CertificateError as problem:
            found = problem
    yield from judge_certificate(found, datetime.now(UTC).date(), settings.tls_dir)


def judge_certificate(found: date | CertificateError | None, today: date, folder: Path) -> Iterator[Answer]:
    """`found`: until when it is valid, what is wrong with it, or None where there is none."""
    if found is None:
        yield Answer("certificate", NOTE, "none yet: `trunkline up` makes one with a CA of its own")
    elif isinstance(found, CertificateError):
        told = f"{found}: put a PEM certificate and its key there, as cert.pem and key.pem"
        yield Answer("certificate", WRONG, told)
    elif found < today:
        yield Answer("certificate", WRONG, f"it ended on {found}: put a new one into {folder}")
    elif found - today < RENEW:
        yield Answer("certificate", NOTE, f"it ends on {found}: renew it, the node takes new files by itself")
    else:
        yield Answer("certificate", FINE, f"valid until {found}")


def _clock(settings: Settings, running: bool) -> Iterator[Answer]:
    """Nonces, call records and certificates go by it."""
    del settings, running
    yield from judge_clock(datetime.now(UTC), ntp_says())


def ntp_says() -> str:
    """`yes`, `no`, or nothing where systemd does not say whether an NTP client keeps the clock."""
    try:
        asked = subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()


def judge_clock(now: datetime, synchronized: str) -> Iterator[Answer]:
    """`now`: in UTC; `synchronized`: as of `ntp_says`."""
    if now.year < OLDEST_YEAR:
        yield Answer("clock", WRONG, f"it says {now:%Y-%m-%d}: set it, and keep it right by NTP")
    elif synchronized == "yes":
        yield Answer("clock", FINE, f"synchronised by NTP, {now:%Y-%m-%d %H:%M:%S} UTC")
    elif synchronized == "no":
        yield Answer("clock", WRONG, "not synchronised: apt-get install systemd-timesyncd, or another NTP client")
    else:
        told = f"says {now:%Y-%m-%d %H:%M:%S} UTC; whether NTP keeps it cannot be seen from here"
        yield Answer("clock", NOTE, told)


def _limits(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    yield from judge_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1], max_calls(settings))
    yield from judge_buffers({name: _kernel_number(KERNEL / name) for name in SOCKET_BUFFERS_WANTED})


def _kernel_number(path: Path) -> int | None:
    """None where the kernel does not show it, as older ones in the network of a container."""
    try:
        return int(path.read_text())
    except OSError:
        return None


def judge_files(hard: int, calls: int) -> Iterator[Answer]:
    """`hard`: files that a process may open at most; `calls`: at a time."""
    wanted = max(FILES_WANTED, calls * 5)
    if hard != resource.RLIM_INFINITY and hard < FILES_WANTED:
        told = f"a process may have {hard} files open, and media alone wants {wanted}: raise LimitNOFILE"
        yield Answer("limits", WRONG, told)
    elif hard != resource.RLIM_INFINITY and hard < wanted:
        told = f"a process may have {hard} files open: enough for some {hard // 5} calls; raise LimitNOFILE for more"
        yield Answer("limits", NOTE, told)
    else:
        yield Answer("limits", FINE, "open files are no limit")


def judge_buffers(sizes: Mapping[str, int | None]) -> Iterator[Answer]:
    """Bytes by name below net.core; None: not to be seen."""
    for name, wanted in SOCKET_BUFFERS_WANTED.items():
        size = sizes[name]
        if size is None:
            told = f"net.core.{name} is not to be seen in this container: it should be {wanted} on the host"
            yield Answer("limits", NOTE, told)
        elif size < wanted:
            told = f"net.core.{name} is {size}: set {wanted} by sysctl, or bursts of SIP are lost"
            yield Answer("limits", NOTE, told)


def _disk(settings: Settings, running: bool) -> Iterator[Answer]:
    del running
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    stat = os.statvfs(place)
    yield from judge_disk(place, stat.f_bavail * stat.f_frsize, writable=os.access(place, os.W_OK))
    if sqlite3.sqlite_version_info < (3, 35):
        yield Answer("home", WRONG, f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is wanted")


def judge_disk(place: Path, free: int, *, writable: bool) -> Iterator[Answer]:
    """`place`: the home, or the folder in which it will be made; `free`: bytes."""
    if not writable:
        yield Answer("home", WRONG, f"{place} is not writable for this user: choose another --home")
    elif free < SPACE_WANTED:
        told = f"{free >> 20} MiB are free on {place}: a full disk loses records. Make room, or choose another --home"
        yield Answer("home", WRONG, told)
    else:
        yield Answer("home", FINE, f"{free >> 30} GiB are free on {place}")
