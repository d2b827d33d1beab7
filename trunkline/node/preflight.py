"""What must be so before anything starts. Each check says in one line what is wrong and what to do about it."""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import os
import random
import shutil
from collections.abc import Iterator

from trunkline.engines.kamailio.config import KamailioMissing, find_modules
from trunkline.node import capabilities
from trunkline.node.ports import problem_with
from trunkline.settings import Settings

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian keeps kamailio; not in the PATH of an ordinary user."""
SAMPLE = 16
"""Media ports that are tried, of thousands."""


class PreflightError(Exception):
    """The node cannot start like this; the text is one line, all problems in it."""


def extend_path() -> None:
    """Let the engines be found, by us and by everything that we start."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(path + [folder for folder in SYSTEM_FOLDERS if folder not in path])


def check_programs(*, demo: bool) -> None:
    """Raises PreflightError when an engine or a module of it is not installed."""
    problems = []
    try:
        find_modules()
    except KamailioMissing as missing:
        problems.append(str(missing))
    if shutil.which("rtpengine") is None:
        problems.append("rtpengine is not installed: apt-get install rtpengine-daemon")
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        problems.append("setpriv is not installed: apt-get install util-linux")
    if demo and importlib.util.find_spec("pjsua2") is None:
        problems.append("the simulated carrier needs pjsua2-python, which is not installed here: start without --demo")
    _refuse(problems)


def check_options(settings: Settings, *, demo: bool) -> None:
    """Raises PreflightError for what only shows when options come together."""
    if demo and ipaddress.ip_address(settings.sip_host).version != 4:
        raise PreflightError(f"--demo wants an IPv4 --sip-host, and {settings.sip_host} is IPv6")


def check_ports(settings: Settings) -> None:
    """Raises PreflightError for ports in use, addresses that are not ours, and ports that this user may not bind."""
    problems = []
    for option, host, port, transport in listeners(settings):
        problem = problem_with(host, port, transport)
        if problem is not None:
            place = "--second-host" if host == settings.second_host else "--sip-host"
            problems.append(_port_line(problem, option, host, port, transport, place))
    if not problems and (line := _media_line(settings)):
        problems.append(line)
    _refuse(list(dict.fromkeys(problems)))


def listeners(settings: Settings) -> Iterator[tuple[str, str, int, str]]:
    """Option, address, port and transport of each socket that peers connect to."""
    yield "--sip-port", settings.sip_host, settings.sip_port, "udp"
    yield "--sip-port", settings.sip_host, settings.sip_port, "tcp"
    yield "--tls-port", settings.sip_host, settings.tls_port, "tcp"
    if settings.second_host is not None:
        yield "--sip-port", settings.second_host, settings.sip_port, "udp"
        yield "--sip-port", settings.second_host, settings.sip_port, "tcp"
        yield "--tls-port", settings.second_host, settings.tls_port, "tcp"
    yield "--http-port", settings.http_host, settings.http_port, "tcp"


def _port_line(problem: OSError, option: str, host: str, port: int, transport: str, place: str) -> str:
    """`place`: the option that names the address."""
    if problem.errno == errno.EADDRINUSE:
        return f"{transport.upper()} port {port} on {host} is in use: stop what uses it, or choose another {option}"
    if problem.errno == errno.EADDRNOTAVAIL:
        option = "--http-host" if option == "--http-port" else place
        return f"{host} is no address of this machine: choose another {option} (`ip address` lists them)"
    if problem.errno == errno.EACCES:
        first = capabilities.first_unprivileged_port()
        return f"port {port} needs a right that this user lacks: choose {option} {first} or higher (docs/operations.md)"
    return f"{transport.upper()} port {port} on {host}: {problem.strerror}: choose another {option}"


def _media_line(settings: Settings) -> str | None:
    """A range that something else already fills would show only in failing calls."""
    first, last = settings.media_ports
    dice = random.Random(first)
    sample = sorted(dice.sample(range(first, last + 1), min(SAMPLE, last - first + 1)))
    busy = sum(1 for port in sample if problem_with(settings.sip_host, port, "udp") is not None)
    if busy * 2 > len(sample):
        return f"{busy} of {len(sample)} tried UDP ports in --rtp-ports {first}-{last} are in use: choose another range"
    return None


def _refuse(problems: list[str]) -> None:
    if problems:
        raise PreflightError("; ".join(problems))
