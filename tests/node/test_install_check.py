"""Each verdict of `trunkline doctor-install`, the good and the bad case: what is wrong, and what to do about it."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from node_fixtures import settings_in

from trunkline.node import certificates, install_check
from trunkline.node.certificates import CertificateError
from trunkline.node.install_check import (
    FILES_WANTED,
    FINE,
    NOTE,
    SOCKET_BUFFERS_WANTED,
    WRONG,
    Answer,
    check,
    judge_address,
    judge_buffers,
    judge_certificate,
    judge_clock,
    judge_disk,
    judge_files,
    judge_media_ports,
    judge_names,
    judge_nat,
    name_servers,
    ntp_says,
)
from trunkline.settings import Settings

NOW = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
TODAY = NOW.date()


def only(found: Iterator[Answer]) -> tuple[str, str]:
    """Verdict and text of the one answer."""
    (answer,) = found
    assert "\n" not in answer.told
    return answer.verdict, answer.told


def of(settings: Settings, subject: str) -> list[tuple[str, str]]:
    """What the whole check says on a subject, for a home in which no node runs."""
    return [(answer.verdict, answer.told) for answer in check(settings) if answer.subject == subject]


# ---- ports, with real sockets ---------------------------------------------------------------------------------------


def test_free_ports(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    told = f"{settings.sip_port} UDP and TCP, {settings.tls_port} and {settings.http_port} TCP are free"
    assert of(settings, "ports") == [(FINE, told)]


@pytest.mark.parametrize(
    ("option", "kind"), [("sip_port", "udp"), ("sip_port", "tcp"), ("tls_port", "tcp"), ("http_port", "tcp")]
)
def test_a_taken_port_is_named_with_the_option_that_chooses_another(tmp_path: Path, option: str, kind: str) -> None:
    settings = settings_in(tmp_path)
    port = getattr(settings, option)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", port))
        if kind == "tcp":
            taken.listen()
        told = f"{kind.upper()} port {port} on 127.0.0.1 is in use: stop what uses it, or choose another --"
        assert of(settings, "ports") == [(WRONG, told + option.replace("_", "-"))]


def test_all_taken_ports_are_told_at_once(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with ExitStack() as stack:
        for port in (settings.tls_port, settings.http_port):
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        ((verdict, told),) = of(settings, "ports")
    assert verdict == WRONG
    assert f"TCP port {settings.tls_port} " in told
    assert f"TCP port {settings.http_port} " in told


def test_media_ports_that_something_else_has(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    first, last = settings.rtp_ports
    with ExitStack() as stack:
        for port in range(first, last + 1):
            held = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with suppress(OSError):  # somebody else has it, which serves as well
                held.bind(("127.0.0.1", port))
        ((verdict, told),) = of(settings, "ports")
    assert verdict == WRONG
    assert f"UDP ports in --rtp-ports {first}-{last} are in use: choose another range" in told


def test_media_ports_and_those_that_the_kernel_gives_to_clients() -> None:
    assert only(judge_media_ports((10000, 30000), 5000, (32768, 60999))) == (
        FINE,
        "10000 to 30000 carry 5000 calls at a time",
    )
    fine, overlap = judge_media_ports((10000, 40000), 7500, (32768, 60999))
    assert (fine.verdict, overlap.verdict) == (FINE, NOTE)
    assert "overlap 32768 to 60999" in overlap.told


# ---- address and NAT ------------------------------------------------------------------------------------------------


def test_an_address_of_this_machine_alone(tmp_path: Path) -> None:
    ((verdict, told),) = of(settings_in(tmp_path), "address")
    assert verdict == NOTE
    assert told == "--sip-host 127.0.0.1 is this machine alone: nobody else can call. Give the address that PBXs reach"
    assert of(settings_in(tmp_path), "NAT") == []


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    """192.0.2.1 is for documentation (RFC 5737): no machine has it."""
    told = "--sip-host 192.0.2.1: Cannot assign requested address: `ip address` lists what there is"
    assert of(settings_in(tmp_path, sip_host="192.0.2.1"), "address") == [(WRONG, told)]


def test_an_address_that_others_reach() -> None:
    assert only(judge_address("10.1.2.3", None, None)) == (FINE, "SIP and media on 10.1.2.3")
    assert only(judge_address("127.0.0.1", "8.8.4.4", None)) == (FINE, "SIP and media on 127.0.0.1")


@pytest.mark.parametrize("private", ["10.1.2.3", "192.168.0.9", "172.20.0.2", "100.64.1.1", "fd00::1"])
def test_behind_nat_without_the_public_address(private: str) -> None:
    verdict, told = only(judge_nat(private, private, None))
    assert verdict == NOTE
    assert told == f"peers are told {private}, which nobody outside this network reaches: behind NAT give --public-ip"


def test_behind_nat_with_the_public_address(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, sip_host="10.1.2.3", public_ip="8.8.4.4")
    told = "peers are told 8.8.4.4: the NAT must pass SIP and the media ports one to one to 10.1.2.3"
    assert of(settings, "NAT") == [(NOTE, told)]


@pytest.mark.parametrize(("own", "public"), [("8.8.4.4", None), ("8.8.4.4", "8.8.4.4"), ("2a00:1450:4001::8", None)])
def test_no_nat(own: str, public: str | None) -> None:
    assert only(judge_nat(own, public or own, public)) == (FINE, f"none: peers are told {own}, and it is public")


# ---- names ----------------------------------------------------------------------------------------------------------

PBXS = (NOTE, "PBXs reach *.a.example, *.b.example by an outbound proxy or a wildcard record of your own")
SUFFIXES = ("a.example", "b.example")


def names(servers: list[str], failure: OSError | None = None, seconds: float = 0.0) -> list[tuple[str, str]]:
    return [(answer.verdict, answer.told) for answer in judge_names(servers, failure, seconds, SUFFIXES)]


def test_names_are_asked_of_servers() -> None:
    assert names(["192.0.2.53", "2001:db8::53"]) == [(FINE, "names are asked of 192.0.2.53, 2001:db8::53"), PBXS]


def test_no_name_server() -> None:
    told = "/etc/resolv.conf names no server: origination URLs with names will not work"
    assert names([]) == [(WRONG, told), PBXS]


def test_localhost_without_an_address() -> None:
    failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    told = f"localhost has no address ({failure}): see /etc/hosts and /etc/nsswitch.conf"
    assert names(["192.0.2.53"], failure)[1:] == [(WRONG, told), PBXS]


def test_slow_names() -> None:
    told = "a look-up took 5.2 s: calls to names will be slow. Look at the servers in /etc/resolv.conf"
    assert names(["192.0.2.53"], seconds=5.21)[1:] == [(WRONG, told), PBXS]


def test_the_file_of_name_servers(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    assert name_servers(file) == []
    file.write_text(
        "# nameserver 192.0.2.1\nsearch example\nnameserver 192.0.2.53\nnameserver\nnameserver\t::1 # own\n"
    )
    assert name_servers(file) == ["192.0.2.53", "::1"]


# ---- certificate, with real files -----------------------------------------------------------------------------------


def test_no_certificate_yet(tmp_path: Path) -> None:
    told = "none yet: `trunkline up` makes one with a CA of its own"
    assert of(settings_in(tmp_path), "certificate") == [(NOTE, told)]


def test_a_certificate_that_the_node_made(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    certificates.ensure(settings, datetime.now(UTC))
    until = (datetime.now(UTC) + certificates.LIFETIME).date()
    assert of(settings, "certificate") in [[(FINE, f"valid until {until - timedelta(days=n)}")] for n in (0, 1)]


@pytest.mark.parametrize(
    ("ago", "verdict", "told"),
    [
        (
            certificates.LIFETIME - timedelta(days=10),
            NOTE,
            "it ends on {}: renew it, the node takes new files by itself",
        ),
        (certificates.LIFETIME + timedelta(days=10), WRONG, "it ended on {}: put a new one into {}"),
    ],
)
def test_a_certificate_that_ends(tmp_path: Path, ago: timedelta, verdict: str, told: str) -> None:
    settings = settings_in(tmp_path)
    certificates.ensure(settings, datetime.now(UTC) - ago)
    wanted = told.format(certificates.check(settings), settings.tls_dir)
    assert of(settings, "certificate") == [(verdict, wanted)]


def test_the_days_of_a_certificate(tmp_path: Path) -> None:
    verdicts = [only(judge_certificate(TODAY + timedelta(days=n), TODAY, tmp_path))[0] for n in (-1, 0, 29, 30, 400)]
    assert verdicts == [WRONG, NOTE, NOTE, FINE, FINE]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("garbage", "cert.pem is no PEM certificate"),
        ("no key", "key.pem: No such file or directory"),
        ("key of another", "key.pem is not the key of "),
    ],
)
def test_a_certificate_that_cannot_be_used(tmp_path: Path, broken: str, problem: str) -> None:
    settings, other = settings_in(tmp_path / "one"), settings_in(tmp_path / "other")
    for made in (settings, other):
        certificates.ensure(made, datetime.now(UTC))
    if broken == "garbage":
        (settings.tls_dir / "cert.pem").write_text("-----BEGIN\n")
    elif broken == "no key":
        (settings.tls_dir / "key.pem").unlink()
    else:
        (settings.tls_dir / "key.pem").write_bytes((other.tls_dir / "key.pem").read_bytes())
    ((verdict, told),) = of(settings, "certificate")
    assert verdict == WRONG
    assert problem in told
    assert told.endswith(": put a PEM certificate and its key there, as cert.pem and key.pem")
    assert only(judge_certificate(CertificateError("x"), date(2026, 1, 1), tmp_path))[0] == WRONG


# ---- clock ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "synchronized", "verdict", "told"),
    [
        (NOW, "yes", FINE, "synchronised by NTP, 2026-11-28 12:30:15 UTC"),
        (NOW, "no", WRONG, "not synchronised: apt-get install systemd-timesyncd, or another NTP client"),
        (NOW, "", NOTE, "says 2026-11-28 12:30:15 UTC; whether NTP keeps it cannot be seen from here"),
        (NOW.replace(year=1970), "yes", WRONG, "it says 1970-11-28: set it, and keep it right by NTP"),
    ],
)
def test_the_clock(now: datetime, synchronized: str, verdict: str, told: str) -> None:
    assert only(judge_clock(now, synchronized)) == (verdict, told)


def test_systemd_is_asked_about_ntp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program of its name that answers for this one question alone."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ntp_says() == ""
    program = tmp_path / "timedatectl"
    program.write_text('#!/bin/sh\n[ "$*" = "show -p NTPSynchronized --value" ] && echo no\n')
    program.chmod(0o755)
    assert ntp_says() == "no"
    program.write_text("#!/bin/sh\necho 'System has not been booted with systemd' >&2\nexit 1\n")
    assert ntp_says() == ""


# ---- limits and disk ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hard", "calls", "verdict", "told"),
    [
        (resource.RLIM_INFINITY, 12500, FINE, "open files are no limit"),
        (62500, 12500, FINE, "open files are no limit"),
        (
            20000,
            12500,
            NOTE,
            "a process may have 20000 files open: enough for some 4000 calls; raise LimitNOFILE for more",
        ),
        (
            1024,
            100,
            WRONG,
            f"a process may have 1024 files open, and media alone wants {FILES_WANTED}: raise LimitNOFILE",
        ),
    ],
)
def test_open_files(hard: int, calls: int, verdict: str, told: str) -> None:
    assert only(judge_files(hard, calls)) == (verdict, told)


def test_buffers_of_sockets() -> None:
    assert list(judge_buffers(SOCKET_BUFFERS_WANTED)) == []
    small, hidden = judge_buffers({"rmem_max": 212_992, "rmem_default": None})
    assert (small.verdict, hidden.verdict) == (NOTE, NOTE)
    assert small.told == "net.core.rmem_max is 212992: set 4194304 by sysctl, or bursts of SIP are lost"
    assert hidden.told == "net.core.rmem_default is not to be seen in this container: it should be 212992 on the host"


def test_a_kernel_that_hides_its_buffers_from_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_check, "KERNEL", tmp_path)
    told = [told for _, told in of(settings_in(tmp_path), "limits")]
    assert sum("is not to be seen in this container" in one for one in told) == len(SOCKET_BUFFERS_WANTED)


def test_the_disk(tmp_path: Path) -> None:
    assert only(judge_disk(tmp_path, 7 << 30, writable=True)) == (FINE, f"7 GiB are free on {tmp_path}")
    full = f"300 MiB are free on {tmp_path}: a full disk loses records. Make room, or choose another --home"
    assert only(judge_disk(tmp_path, 300 << 20, writable=True)) == (WRONG, full)
    closed = f"{tmp_path} is not writable for this user: choose another --home"
    assert only(judge_disk(tmp_path, 7 << 30, writable=False)) == (WRONG, closed)


def test_a_home_that_is_not_there_yet_is_judged_by_its_folder(tmp_path: Path) -> None:
    ((_, told),) = of(settings_in(tmp_path / "new" / "home"), "home")
    assert f" are free on {tmp_path}" in told
    assert str(tmp_path / "new") not in told


# ---- programs and the node ------------------------------------------------------------------------------------------


def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path)
    assert of(settings, "programs") == [(FINE, "Kamailio, its modules and rtpengine are installed")]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("trunkline.node.preflight.SYSTEM_FOLDERS", ())
    ((verdict, told),) = of(settings, "programs")
    assert verdict == WRONG
    assert "apt-get install kamailio" in told
    assert "apt-get install rtpengine-daemon" in told


def test_no_node_runs(tmp_path: Path) -> None:
    told = f"no node runs in {tmp_path}: start it with `trunkline up`"
    assert of(settings_in(tmp_path), "node") == [(NOTE, told)]


def test_every_answer_that_is_no_praise_says_what_to_do(tmp_path: Path) -> None:
    """And none is more than a line."""
    settings = settings_in(tmp_path, sip_host="192.0.2.1")
    told = [answer for answer in check(settings) if answer.verdict == WRONG]
    assert {answer.subject for answer in told} >= {"ports", "address"}
    for answer in told:
        assert os.linesep not in answer.told
        assert any(word in answer.told for word in ("choose", "install", "lists", "see ", "set ", "put ", "raise"))
