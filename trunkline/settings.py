"""Every setting of a node: one frozen record, read once at start, from options first and the environment second."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

SOCKET_PATH_LIMIT = 107
"""Bytes of a unix socket's path: `sun_path` of unix(7) without its closing zero."""
LONGEST_SOCKET_NAME = 32
"""What the programs may add to `socket_dir`: a slash and a name of at most this many bytes."""
LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(ValueError):
    """A setting is not usable; the text says which one and what to write instead."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports that the programs of one node speak to each other by. Chosen free at start."""

    ng: int
    """UDP: rtpengine's control protocol."""
    edge_inner: int
    """TCP: the edge, spoken to by the TLS front."""
    tls_front: int
    """TCP: the TLS front, spoken to by the edge."""
    carrier: int
    """UDP and TCP: the simulated carrier of `--demo`."""
    carrier_control: int
    """TCP: the remote control of that carrier, by which it places calls to our numbers."""
    tracer: int = 0
    """UDP: where the edge mirrors its SIP messages to; 0: nowhere."""

    @classmethod
    def read(cls, path: Path) -> Ports:
        """What an earlier `write` left. Errors: OSError, ValueError when the file is not ours or not whole."""
        try:
            found = json.loads(path.read_text())
            ports = cls(**{field.name: int(found[field.name]) for field in fields(cls)})
        except (KeyError, TypeError, OverflowError) as problem:
            raise ValueError(f"{path} does not hold this node's ports") from problem
        if not all(0 <= port < 65536 for port in asdict(ports).values()):
            raise ValueError(f"{path} holds what is no port")
        return ports

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)) + "\n")


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path
    """All state of the node lives here (`--home`, TRUNKLINE_HOME)."""
    sip_host: str = "127.0.0.1"
    """Address that Kamailio and rtpengine listen on (`--sip-host`, TRUNKLINE_SIP_HOST)."""
    public_ip: str | None = None
    """Address that SIP and SDP advertise where it differs from `sip_host` (`--public-ip`, TRUNKLINE_PUBLIC_IP)."""
    second_host: str | None = None
    """A further address of the other family, for SIP and media: with it the node has IPv4 and IPv6, and a call may have
    one on each side (`--second-host`, TRUNKLINE_SECOND_HOST). Peers are told it as it is."""
    sip_port: int = 5060
    """UDP and TCP (`--sip-port`, TRUNKLINE_SIP_PORT)."""
    tls_port: int = 5061
    """`--tls-port`, TRUNKLINE_TLS_PORT."""
    http_host: str = "127.0.0.1"
    """`--http-host`, TRUNKLINE_HTTP_HOST."""
    http_port: int = 8080
    """`--http-port`, TRUNKLINE_HTTP_PORT."""
    rtp_ports: tuple[int, int] = (10000, 60000)
    """First and last UDP port of media, inclusive (`--rtp-ports`, TRUNKLINE_RTP_PORTS, `10000-60000`)."""
    database_url: str | None = None
    """SQLAlchemy URL; None: SQLite in the home (`--database-url`, TRUNKLINE_DATABASE_URL)."""
    realm: str = "sip.twilio.com"
    """Digest realm. Stored HA1 values depend on it (TRUNKLINE_REALM)."""
    domain_suffixes: tuple[str, ...] = ("pstn.twilio.com",)
    """Suffixes under which a trunk's label is looked for, comma-separated (TRUNKLINE_DOMAIN_SUFFIXES)."""
    no_funds_response: int = 403
    """SIP status for accounts without funds, suspended or closed: 403 or 603 (TRUNKLINE_NO_FUNDS_RESPONSE)."""
    drain_seconds: float = 30.0
    """How long the first SIGTERM lets running calls finish (TRUNKLINE_DRAIN_SECONDS)."""
    sip_workers: int = dataclasses.field(default_factory=lambda: min(max(2, os.cpu_count() or 2), 64))
    """SIP worker processes for each listening socket (TRUNKLINE_SIP_WORKERS). As many as there are processors, at least
    2: each more makes Python colder, which costs every call."""
    nonce_seconds: int = 120
    """How long a digest challenge is good; an answer that comes later is challenged again, with stale=true
    (TRUNKLINE_NONCE_SECONDS)."""
    ban_seconds: int = 60
    """How long the first ban of a source lasts; each further one of it within a day twice as long
    (TRUNKLINE_BAN_SECONDS)."""
    setup_seconds: float = 20.0
    """After so many seconds of setting up a call no further target is tried (TRUNKLINE_SETUP_SECONDS)."""
    ring_seconds: float = 185.0
    """How long a callee may ring, counted from its newest provisional response (TRUNKLINE_RING_SECONDS). More than 3
    minutes by RFC 3261 section 16.6 step 11."""
    pdd_seconds: int = 60
    """How long a target may say nothing of a call but 100: the post-dial delay (TRUNKLINE_PDD_SECONDS)."""
    carrier_order: str = "priority"
    """What decides first which carrier takes a call: its `priority` or, by its rates, its `cost`
    (TRUNKLINE_CARRIER_ORDER)."""
    media_timeout: int = 600
    """Seconds without any audio packet after which a call is ended on both sides (TRUNKLINE_MEDIA_TIMEOUT)."""
    log_level: str = "info"
    """debug, info, warning or error (TRUNKLINE_LOG_LEVEL)."""

    @classmethod
    def load(cls, options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
        """Options win, then the environment, then the defaults.

        `options` by field name, None or absent where not given. An empty environment variable counts as not set.
        Errors: SettingsError, one line that names the option or variable and says what to write.
        """
        values: dict[str, Any] = {"home": default_home(environ)}
        for field in fields(cls):
            given = options.get(field.name)
            if given is not None:
                values[field.name] = parse(field.name, given, option_name(field.name))
            elif environ.get(variable_name(field.name)):
                name = variable_name(field.name)
                values[field.name] = parse(field.name, environ[name], name)
        unknown = set(options) - {field.name for field in fields(cls)}
        if unknown:
            raise SettingsError(f"there is no setting {min(unknown)}")
        settings = cls(**values)
        settings._check_together()
        return settings

    def environ(self) -> dict[str, str]:
        """The settings as TRUNKLINE_* variables, for the programs of the node; `load` gives them back."""
        variables = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                variables[variable_name(field.name)] = _as_text(value)
        return variables

    def _check_together(self) -> None:
        if self.second_host is not None:
            first, second = ipaddress.ip_address(self.sip_host), ipaddress.ip_address(self.second_host)
            if first.version == second.version or second.is_unspecified:
                raise SettingsError(f"--second-host is one address of the other family than {first}, not {second}")
        if self.sip_port == self.tls_port:
            raise SettingsError(f"--sip-port and --tls-port are both {self.sip_port}: give them two different ports")
        if self.http_port in (self.sip_port, self.tls_port) and self.http_host == self.sip_host:
            raise SettingsError(f"--http-port {self.http_port} is taken by SIP already: choose another")
        if ipaddress.ip_address(self.sip_host).is_unspecified and self.public_ip is None:
            raise SettingsError(
                f"--sip-host {self.sip_host} listens everywhere, so --public-ip must say which address peers are told"
            )

    # Where things stand in the home. Nothing here touches the disk.

    @property
    def run_dir(self) -> Path:
        """Written anew at each start: engine configurations, ports, the lock."""
        return self.home / "run"

    @property
    def spool_dir(self) -> Path:
        """Call events on their way from the edge to the recorder."""
        return self.home / "spool"

    @property
    def log_dir(self) -> Path:
        return self.home / "log"

    @property
    def log_file(self) -> Path:
        """The one structured stream of every program, JSON lines."""
        return self.log_dir / "trunkline.jsonl"

    @property
    def tls_dir(self) -> Path:
        """`cert.pem`, `key.pem` (the operator's own, or made at the first start) and `ca.pem`."""
        return self.home / "tls"

    @property
    def registrations_db(self) -> Path:
        return self.home / "registrations.db"

    @property
    def routing_db(self) -> Path:
        return self.home / "routing.db"

    @property
    def ports_file(self) -> Path:
        return self.run_dir / "ports.json"

    @property
    def account_file(self) -> Path:
        """Credentials of the first platform account, mode 0600."""
        return self.home / "account.json"

    @property
    def demo_file(self) -> Path:
        return self.home / "demo.json"

    @property
    def socket_dir(self) -> Path:
        """Directory of the node's unix sockets: `run_dir`, or a short private one when the home's path is too long.

        Names in it have at most 31 bytes, so that the whole path fits into `sun_path`.
        """
        if len(os.fsencode(self.run_dir)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT:
            return self.run_dir
        mark = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"trunkline-{os.getuid()}-{mark}"

    @property
    def database_url_or_default(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{self.home / 'trunkline.db'}"

    @property
    def media_ports(self) -> tuple[int, int]:
        """`rtp_ports` without `sip_port`: the longer part, where it lies inside.

        Both are UDP. The relay must never hold the edge's port in the moment in which the edge restarts.
        """
        first, last = self.rtp_ports
        if not first <= self.sip_port <= last:
            return self.rtp_ports
        below, above = (first, self.sip_port - 1), (self.sip_port + 1, last)
        return max(below, above, key=lambda part: part[1] - part[0])

    @property
    def advertised_ip(self) -> str:
        """The address that peers are told."""
        return self.public_ip or self.sip_host

    @property
    def api_url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.http_host, self.http_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.http_port}"


def default_home(environ: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/trunkline`, by the XDG base directory specification `~/.local/share/trunkline`."""
    data_home = environ.get("XDG_DATA_HOME", "")
    # The specification: a relative path in the variable is invalid and ignored.
    base = Path(data_home) if data_home.startswith("/") else Path(environ.get("HOME", "~")).expanduser()
    return base / "trunkline" if data_home.startswith("/") else base / ".local/share/trunkline"


def option_name(setting: str) -> str:
    return "--" + setting.replace("_", "-")


def variable_name(setting: str) -> str:
    return "TRUNKLINE_" + setting.upper()


_PASSWORD = re.compile(r"(://[^/@:]*:).*@")


def parse(setting: str, given: object, source: str) -> object:
    """One value of any origin (option, environment, a test's own object) as the type of its field."""
    text = _as_text(given).strip()
    try:
        return PARSERS[setting](text)
    except ValueError as problem:
        shown = _PASSWORD.sub(r"\1***@", text)  # a log or a terminal may be read by others
        raise SettingsError(f"{source} {shown!r}: {problem}") from None


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        numbers = all(isinstance(part, int) for part in value)
        return ("-" if numbers else ",").join(str(part) for part in value)
    return str(value)


def _home(text: str) -> Path:
    if not text:
        raise ValueError("a directory is wanted")
    if any(ord(character) < 32 or character in '"`\\' for character in text):
        # The path stands in Kamailio's configuration as a quoted string, which has no way to write these.
        raise ValueError("a path without quotes, backslashes and control characters is wanted")
    return Path(os.path.abspath(Path(text).expanduser()))


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IP address is wanted, for example 192.0.2.10") from None


def _host(text: str) -> str:
    return "127.0.0.1" if text == "localhost" else _ip_address(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError("a port from 1 to 65535 is wanted")
    return int(text)


def _port_range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not (dash and first.strip().isdecimal() and last.strip().isdecimal()):
        raise ValueError("a range of UDP ports is wanted, for example 10000-60000")
    low, high = _port(first.strip()), _port(last.strip())
    if low < 1024:
        raise ValueError("media ports start at 1024 or above")
    if high - low + 1 < 8:
        raise ValueError("at least 8 ports are wanted: a call takes 4 (RTP and RTCP, on both sides)")
    return low, high


def _database_url(text: str) -> str:
    if text.startswith(("postgres://", "postgresql://")):
        text = "postgresql+psycopg://" + text.partition("://")[2]
    if not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("postgresql://user@host/database or sqlite:////path is wanted")
    return text


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip().strip(".").lower() for word in text.split(",") if word.strip())
    if not words or any(character in word for word in words for character in " \"'\\/;"):
        raise ValueError("domain names are wanted, separated by commas")
    return words


def _realm(text: str) -> str:
    # It is a quoted-string of RFC 3261 section 25.1 in the challenge; quotes inside break too many PBXs.
    if not text or not text.isascii() or not text.isprintable() or any(character in '"\\' for character in text):
        raise ValueError("printable ASCII without quotes is wanted")
    return text


def _one_of(*allowed: str) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is wanted")
        return text.lower()

    return choose


def _seconds(low: int, high: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not low <= seconds <= high:
            raise ValueError(f"seconds from {low} to {high} are wanted")
        return seconds

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is wanted")
        return int(text)

    return read


PARSERS: dict[str, Callable[[str], object]] = {
    "home": _home,
    "sip_host": _host,
    "public_ip": _ip_address,
    "second_host": _ip_address,
    "sip_port": _port,
    "tls_port": _port,
    "http_host": _host,
    "http_port": _port,
    "rtp_ports": _port_range,
    "database_url": _database_url,
    "realm": _realm,
    "domain_suffixes": _words,
    "no_funds_response": lambda text: int(_one_of("403", "603")(text)),
    "drain_seconds": _seconds(0, 86400),
    "setup_seconds": _seconds(0, 86400),
    "ring_seconds": _seconds(1, 600),
    "pdd_seconds": _whole(1, 600),
    "carrier_order": _one_of("priority", "cost"),
    "sip_workers": _whole(1, 64),
    "nonce_seconds": _whole(2, 3600),
    "ban_seconds": _whole(1, 86400),
    "media_timeout": _whole(1, 86400),
    "log_level": _one_of(*LOG_LEVELS),
}
