"""Settings → what Kamailio reads: two files, each the static one below what varies, and a JSON file for the script.

The static files are kamailio.cfg (the edge) and tls_front.cfg (the TLS front) beside this module.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from trunkline.core import media
from trunkline.core.cause import Cause
from trunkline.core.defence import REMEMBER, SCANNER_PATTERN, Offence
from trunkline.core.edge_bye import CSEQ
from trunkline.core.policy import LONGEST_SETUP, NO_ANSWER_AFTER, NO_PROVISIONAL_AFTER
from trunkline.engines.kamailio.carrier_state import STATE_FILE
from trunkline.settings import Ports, Settings

HERE = Path(__file__).parent
HIDDEN_HOST = "hidden.invalid"
"""Stands where the address of somebody else stood (RFC 6761: nobody has this name)."""
TELLING_REASON = r"[0-9][.:][0-9]|[@[]|://|[Ss]ip:"
"""A reason phrase that may name a place."""
OWN_HEADERS = "Trunkline-"
"""What begins so behind `X-` is between our own programs."""
SHARED_MEMORY_MB = 512
"""A transaction takes 15 to 20 kB for some seconds, a dialog about 4 kB: room for some 2,000 new calls a second."""
PRIVATE_MEMORY_MB = 16

MODULE_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu/kamailio/modules",
    "/usr/lib/aarch64-linux-gnu/kamailio/modules",
    "/usr/lib64/kamailio/modules",
    "/usr/lib/kamailio/modules",
    "/usr/local/lib64/kamailio/modules",
)
NEEDED_MODULES = (
    "app_python3.so",
    "tls.so",
    "rtpengine.so",
    "tm.so",
    "dialog.so",
    "uac.so",
    "htable.so",
    "kemix.so",
    "jsonrpcs.so",
)


class KamailioMissing(Exception):
    """Kamailio or one of its modules is not installed; the text says what to install."""


@dataclass(frozen=True, slots=True)
class Program:
    """One engine process: what to start, and what to add to its environment."""

    argv: list[str]
    environment: dict[str, str]


def find_modules() -> Path:
    """The folder of Kamailio's modules. Raises KamailioMissing, which names the package to install."""
    if shutil.which("kamailio") is None:
        raise KamailioMissing("kamailio is not installed: apt-get install kamailio")
    folder = next((Path(name) for name in MODULE_FOLDERS if (Path(name) / "tm.so").exists()), None)
    if folder is None:
        raise KamailioMissing(f"Kamailio's modules are in none of {', '.join(MODULE_FOLDERS)}")
    packages = {"app_python3.so": "kamailio-python3-modules", "tls.so": "kamailio-tls-modules"}
    for module in NEEDED_MODULES:
        if not (folder / module).exists():
            raise KamailioMissing(
                f"Kamailio's module {module} is not installed: apt-get install {packages.get(module, 'kamailio')}"
            )
    return folder


def edge_socket(settings: Settings) -> Path:
    return settings.socket_dir / "edge.sock"


def edge_name(settings: Settings) -> str:
    """What records say of the edge that took a call."""
    return f"{settings.public_ip or settings.sip_host}:{settings.sip_port}"


def call_book_file(settings: Settings) -> Path:
    """Which calls are up (`call_book`). It outlives Kamailio, and not the node, with which rtpengine ends."""
    return settings.run_dir / "calls.book"


def loopback(settings: Settings) -> str:
    """This machine's own address, of the family that the edge speaks."""
    return "::1" if ":" in settings.sip_host else "127.0.0.1"


def front_socket(settings: Settings) -> Path:
    return settings.socket_dir / "front.sock"


def own_hosts(settings: Settings) -> list[str]:
    """Hosts in a Request-URI that mean this edge itself."""
    hosts = {settings.sip_host, settings.public_ip or settings.sip_host, settings.second_host or settings.sip_host}
    if ipaddress.ip_address(settings.sip_host).is_loopback:
        hosts.add("localhost")
    return sorted(hosts)


def derive(secret: bytes, purpose: str) -> str:
    """A key for one purpose from the home's secret, as hex."""
    return hmac.new(secret, purpose.encode(), hashlib.sha256).hexdigest()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _substdef(name: str, value: str) -> str:
    separator = next(mark for mark in "!|^~%&;" if mark not in value)
    return f'#!substdef "{separator}{name}{separator}{_quote(value)}{separator}g"\n'


def _listen(transport: str, settings: Settings, port: int) -> str:
    line = f"listen={transport}:{_bracketed(settings.sip_host)}:{port}"
    if settings.public_ip is not None:
        line += f" advertise {_bracketed(settings.public_ip)}:{port}"
    return line + "\n"


def _listens(transport: str, settings: Settings, port: int) -> str:
    second = "" if settings.second_host is None else f"listen={transport}:{_bracketed(settings.second_host)}:{port}\n"
    return _listen(transport, settings, port) + second


def _reached_at(settings: Settings, port: int) -> str:
    """`host:port` as both sides of a call reach us."""
    return f"{_bracketed(settings.public_ip or settings.sip_host)}:{port}"


def _reached_by(settings: Settings, family: int, port: int) -> str:
    """The same for a side that speaks this family, 4 or 6, where the node has both."""
    second = settings.second_host
    if second is None or ipaddress.ip_address(second).version != family:
        return _reached_at(settings, port)
    return f"{_bracketed(second)}:{port}"


def but_not(prefix: str) -> str:
    """The POSIX regular expression, to stand in parentheses, of what does not begin so: it leaves the prefix somewhere.

    `prefix`: letters and `-`. There is no look-ahead, and a second expression over all headers of a message costs more
    than all that the first one does.
    """
    return "|".join([f"{prefix[:at]}([^{letter}].*)?" for at, letter in enumerate(prefix)])


def _common(settings: Settings, ports: Ports, secret: bytes) -> str:
    level = {"debug": "3", "info": "2", "warning": "0", "error": "-1"}[settings.log_level]
    # Kamailio's own INFO is chatter about its start: our level "info" keeps its notices and above.
    values = {
        "MODULES": os.fspath(find_modules()),
        "DEBUG_LEVEL": "1" if level == "2" else level,
        "INNER_PORT": str(ports.edge_inner),
        "FRONT_PORT": str(ports.tls_front),
        "HOP_SECRET": derive(secret, "hop"),
        "HIDDEN_HOST": HIDDEN_HOST,
    }
    return "#!KAMAILIO\n" + "".join(_substdef(name, value) for name, value in values.items())


def _static(name: str) -> str:
    """A static file's text. Not `include_file`: Kamailio ends that name at a blank, and a checkout may have one."""
    return (HERE / name).read_text(encoding="utf-8").removeprefix("#!KAMAILIO\n")


def _edge_file(settings: Settings, ports: Ports, secret: bytes, *, with_media: bool, hide_topology: bool) -> str:
    values = {
        "SIP_WORKERS": str(settings.sip_workers),
        "EDGE_RPC": os.fspath(edge_socket(settings)),
        "NG_PORT": str(ports.ng),
        # A socket of IPv6 does not send to 127.0.0.1.
        "TRACER_ADDRESS": f"{_bracketed(loopback(settings))}:{ports.tracer}",
        "NONCE_LIFETIME": str(settings.nonce_seconds),
        "SCRIPT": os.fspath(HERE / "script.py"),
        "ROUTE_KEY": derive(secret, "route")[:32],
        "OUTER_KEY": derive(secret, "route, outer")[:22],
        "HIDING_HOST": _bracketed(settings.public_ip or settings.sip_host),
        "HIDING_PLAIN": _reached_at(settings, settings.sip_port),
        "HIDING_SECURE": f"{_reached_at(settings, settings.tls_port)};transport=tls",
        "SIX_PLAIN": _reached_by(settings, 6, settings.sip_port),
        "SIX_SECURE": f"{_reached_by(settings, 6, settings.tls_port)};transport=tls",
        "FOUR_PLAIN": _reached_by(settings, 4, settings.sip_port),
        "FOUR_SECURE": f"{_reached_by(settings, 4, settings.tls_port)};transport=tls",
        "TELLING_REASON": TELLING_REASON,
        "OTHERS_OWN": but_not(OWN_HEADERS),
        "OUR_CSEQ": str(CSEQ),
        "RING_MS": str(int(NO_ANSWER_AFTER * 1000)),
        "LONGEST_MS": str(LONGEST_SETUP * 1000),
        "EARLY_SECONDS": str(LONGEST_SETUP + 60),
        "PDD_MS": str(settings.pdd_seconds * 1000),
        "HOPS_ERROR": _error_of(Cause.TOO_MANY_HOPS),
        "RELAY_ERROR": _error_of(Cause.NO_MEDIA_RELAY),
        "SANITY_ERROR": f"{Cause.MALFORMED_REQUEST.code} Malformed request",
        "WAIT_MS": str(int(NO_PROVISIONAL_AFTER * 1000)),
        "FLOOD_LIMIT": str(Offence.FLOOD.limit),
        "SCANNERS": SCANNER_PATTERN,
        "REMEMBER_BANS": str(REMEMBER),
        # For in-dialog requests; mode "s" stands for both secure modes, since only who is secure matters.
        "MEDIA_PLAIN": media.rtpengine_flags("p", sender_is_caller=True, is_offer=True, behind_nat=False),
        "MEDIA_FROM_SECURE": media.rtpengine_flags("s", sender_is_caller=True, is_offer=True, behind_nat=False),
        "MEDIA_OFFER_SECURE": media.rtpengine_flags("s", sender_is_caller=False, is_offer=True, behind_nat=False),
        "MEDIA_ANSWER_SECURE": media.rtpengine_flags("s", sender_is_caller=False, is_offer=False, behind_nat=False),
    }
    return (
        _common(settings, ports, secret)
        + ("#!define WITH_MEDIA\n" if with_media else "")
        + ("#!define WITH_HIDING\n" if hide_topology else "")
        + ("#!define WITH_BOTH_FAMILIES\n" if settings.second_host else "")
        + ("#!define WITH_TRACE\n" if ports.tracer else "")
        + "".join(_substdef(name, value) for name, value in values.items())
        + _listens("udp", settings, settings.sip_port)
        + _listens("tcp", settings, settings.sip_port)
        + f"listen=tcp:127.0.0.1:{ports.edge_inner}\n"
        + _static("kamailio.cfg")
        + (_static("hiding.cfg") if hide_topology else "")
    )


def _front_file(settings: Settings, ports: Ports, secret: bytes, *, hide_topology: bool) -> str:
    values = {
        "FRONT_RPC": os.fspath(front_socket(settings)),
        "TLS_CONFIG": os.fspath(settings.run_dir / "tls.cfg"),
        "HOPS_ERROR": _error_of(Cause.TOO_MANY_HOPS),
        "SANITY_ERROR": f"{Cause.MALFORMED_REQUEST.code} Malformed request",
    }
    return (
        _common(settings, ports, secret)
        + "".join(_substdef(name, value) for name, value in values.items())
        + _listens("tls", settings, settings.tls_port)
        + f"listen=tcp:127.0.0.1:{ports.tls_front}\n"
        + ("#!define WITH_HIDING\n" if hide_topology else "")
        + _static("tls_front.cfg")
    )


def _error_of(cause: Cause) -> str:
    """X-Twilio-Error where Python is not asked."""
    return f"{cause.code} {cause.value.text}"


def _tls_file(settings: Settings) -> str:
    """TLS 1.2 or newer, as the vendor asks. Certificates are not verified: a peer is known by address or digest."""
    key, certificate = settings.tls_dir / "key.pem", settings.tls_dir / "cert.pem"
    return (
        "[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
        f'private_key = "{key}"\ncertificate = "{certificate}"\n\n'
        "[client:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
    )


def _script_file(settings: Settings, ports: Ports, secret: bytes, *, hide_topology: bool) -> str:
    return json.dumps(
        {
            "edge": edge_name(settings),
            "spool": os.fspath(settings.spool_dir),
            "routing_db": os.fspath(settings.routing_db),
            "registrations_db": os.fspath(settings.registrations_db),
            "call_book": os.fspath(call_book_file(settings)),
            "realm": settings.realm,
            "domain_suffixes": settings.domain_suffixes,
            "own_hosts": own_hosts(settings),
            "ban_seconds": settings.ban_seconds,
            "front_socket": os.fspath(front_socket(settings)),
            "no_funds_status": settings.no_funds_response,
            "nonce_lifetime": settings.nonce_seconds,
            "own_address": {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.sip_host, settings.sip_host),
            "own_port": settings.sip_port,
            "sip_workers": settings.sip_workers,
            "own_ports": sorted(
                {settings.sip_port, settings.tls_port, ports.edge_inner, ports.tls_front, ports.ng, ports.tracer}
            ),
            "address_records": ["a", "aaaa"]
            if settings.second_host
            else ["aaaa"]
            if ":" in settings.sip_host
            else ["a"],
            "carrier_state": os.fspath(settings.run_dir / STATE_FILE),
            "setup_seconds": settings.setup_seconds,
            "ring_seconds": settings.ring_seconds,
            "cheapest_first": settings.carrier_order == "cost",
            "inner_port": ports.edge_inner,
            "front_port": ports.tls_front,
            "hop_secret": derive(secret, "hop"),
            "hides_topology": hide_topology,
            "hiding_key": derive(secret, "hiding"),
            "plain_address": _reached_at(settings, settings.sip_port),
            "secure_address": f"{_reached_at(settings, settings.tls_port)};transport=tls",
            "both_families": settings.second_host is not None,
            "plain_addresses": [_reached_by(settings, family, settings.sip_port) for family in (4, 6)],
            "secure_addresses": [
                f"{_reached_by(settings, family, settings.tls_port)};transport=tls" for family in (4, 6)
            ],
            "route_key": derive(secret, "route")[:32],
            "route_outer_key": derive(secret, "route, outer")[:22],
        },
        indent=1,
    )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def kamailio_programs(
    settings: Settings, ports: Ports, home_secret: bytes, *, with_media: bool = True, hide_topology: bool = True
) -> dict[str, Program]:
    """Write the configurations into `settings.run_dir` and say how to start the programs `kamailio` and `tls_front`.

    `home_secret` (32 bytes, kept in the home) makes the MACs of in-dialog requests, so it must outlive restarts.
    `with_media=False` is for benchmarks: no rtpengine on the call path. `hide_topology=False` likewise: both sides see
    each other's addresses in the headers (docs/decisions/0007-topology-hiding.md). Raises KamailioMissing.
    """
    run = settings.run_dir
    call_book_file(settings).unlink(missing_ok=True)
    edge = _edge_file(settings, ports, home_secret, with_media=with_media, hide_topology=hide_topology)
    _write_private(run / "edge.cfg", edge)
    _write_private(run / "front.cfg", _front_file(settings, ports, home_secret, hide_topology=hide_topology))
    _write_private(run / "tls.cfg", _tls_file(settings))
    _write_private(run / "edge.json", _script_file(settings, ports, home_secret, hide_topology=hide_topology))
    environment = {
        "PYTHONPATH": os.fspath(HERE.parent.parent.parent),
        "TRUNKLINE_EDGE_FILE": os.fspath(run / "edge.json"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def argv(name: str, shared_mb: int) -> list[str]:
        # -x fm: the default allocator costs almost half of the CPU. -DD -E: stay in the foreground, log to stderr.
        return [
            "kamailio",
            "-f",
            os.fspath(run / f"{name}.cfg"),
            "-x",
            "fm",
            "-m",
            str(shared_mb),
            "-M",
            str(PRIVATE_MEMORY_MB),
            "-DD",
            "-E",
            "-Y",
            os.fspath(run),
            "-P",
            os.fspath(run / f"{name}.pid"),
        ]

    return {
        "kamailio": Program(argv("edge", SHARED_MEMORY_MB), environment),
        "tls_front": Program(argv("front", SHARED_MEMORY_MB // 2), {}),
    }
