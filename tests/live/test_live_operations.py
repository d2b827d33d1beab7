"""A node in operation: new certificates, log levels, metrics, the self-check."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from live_node import LiveNode, wait_for
from plain_sip import PlainSip

from trunkline.engines.kamailio.config import front_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.node import certificates
from trunkline.testbench.pbx import PbxProcess

pytestmark = pytest.mark.live

CHURN = Path(__file__).with_name("tls_churn.py")
ECHO, BUSY = "+15550100000", "+15550100486"


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    with LiveNode(tmp_path_factory.mktemp("operated") / "home") as running:
        yield running


def trunkline(node: LiveNode, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", *words],
        env=node.environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def serial(node: LiveNode) -> int:
    """Of the certificate that a new connection is shown."""
    pem = ssl.get_server_certificate((node.host, node.tls_port), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def new_certificate(node: LiveNode) -> int:
    """Put another certificate and key in place, as `ensure` would make them; its serial number."""
    for name in ("cert.pem", "key.pem"):
        (node.settings.tls_dir / name).unlink()
    path = certificates.ensure(node.settings, dt.datetime.now(dt.UTC))
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


@pytest.mark.timeout(120)
def test_a_new_certificate_drops_no_call_under_churn(operated: LiveNode) -> None:
    """By itself and by command, 20 times, beside 100 new TLS connections a second and a call over TLS."""
    tls = operated.settings.tls_dir
    front = KamailioRpc(front_socket(operated.settings))
    processes = front.call("core.psx")
    trunk = operated.make_trunk(secure=True)
    with PbxProcess("--tls-port", "0", "--tls-cert", str(tls / "cert.pem"), "--tls-key", str(tls / "key.pem")) as pbx:
        plan = trunk.plan(operated, ECHO, transport="tls", srtp="mandatory", seconds=10.0)
        call = pbx.place_call(plan)
        pbx.wait_until(lambda: pbx.result(call).timeline.answered is not None, "the answer")
        before = serial(operated)
        churn = subprocess.Popen(
            [sys.executable, str(CHURN), operated.host, str(operated.tls_port), "7", "100"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        new = new_certificate(operated)
        assert new != before
        wait_for(lambda: serial(operated) == new, "the new certificate by itself", within=5)
        for _ in range(20):
            newer = new_certificate(operated)
            reloaded = trunkline(operated, "certificates", "reload")
            assert reloaded.returncode == 0, reloaded.stderr
            assert serial(operated) == newer
        counted = json.loads(churn.communicate(timeout=30)[0])
        assert counted["failed"] == 0, counted
        result = pbx.result(call, wait=20)
        assert (result.sip_status, result.ended_by) == (200, "caller"), result
        assert result.media.tone is not None
        assert result.media.tone.ratio > 0.9, result
    assert front.call("core.psx") == processes, "a process was replaced"


def test_a_certificate_that_cannot_be_used_changes_nothing(operated: LiveNode) -> None:
    key = operated.settings.tls_dir / "key.pem"
    good, before = key.read_bytes(), serial(operated)
    try:
        key.write_text("no key")
        refused = trunkline(operated, "certificates", "reload")
        assert refused.returncode == 2
        assert "is no PEM private key" in refused.stderr
        assert serial(operated) == before
    finally:
        key.write_bytes(good)


def test_log_levels_change_at_run_time(operated: LiveNode) -> None:
    log = operated.settings.log_file

    def lines(program: str, level: str) -> int:
        found = (json.loads(line) for line in log.read_text().splitlines())
        return sum(1 for line in found if (line["program"], line["level"]) == (program, level))

    assert trunkline(operated, "log-level", "edge", "debug").returncode == 0
    wait_for(lambda: operated.healthy() and lines("kamailio", "debug") > 10, "debug lines of Kamailio")
    assert trunkline(operated, "log-level", "edge", "info").returncode == 0
    assert trunkline(operated, "log-level", "recorder", "debug").returncode == 0
    wait_for(lambda: "the log level is debug now" in log.read_text(), "the recorder's new level")
    assert trunkline(operated, "log-level", "recorder", "info").returncode == 0
    assert trunkline(operated, "log-level", "edge", "loud").returncode == 2
    assert "none of edge" in trunkline(operated, "log-level", "nobody", "info").stderr


def metrics(node: LiveNode) -> dict[str, float]:
    answer = httpx.get(f"{node.demo['api_url']}/metrics", trust_env=False, timeout=10)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    rows = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in rows}


def test_metrics_tell_of_calls(operated: LiveNode) -> None:
    trunk = operated.make_trunk()
    name = 'trunkline_calls_total{direction="termination",status="busy"}'
    url = f"{operated.demo['api_url']}/metrics"
    old = wait_for(lambda: metrics(operated), "any metrics")
    before = old.get(name, 0)
    with PbxProcess() as pbx:
        assert pbx.call(trunk.plan(operated, BUSY)).sip_status == 486
        assert pbx.call(trunk.plan(operated, ECHO, seconds=0.3)).sip_status == 200
        assert pbx.call(trunk.plan(operated, "12", seconds=0.3)).sip_status == 400
    found = wait_for(
        lambda: metrics(operated).get(name) == before + 1 and metrics(operated), "the call in the counters", within=5
    )
    assert found['trunkline_up{part="kamailio"}'] == 1
    wait_for(
        lambda: metrics(operated).get('trunkline_refusals_total{cause="NUMBER_NOT_E164"}'), "the refusal by its cause"
    )
    found = metrics(operated)
    assert found["trunkline_post_dial_delay_seconds_count"] >= 1
    assert (
        found['trunkline_post_dial_delay_seconds_bucket{le="+Inf"}'] == found["trunkline_post_dial_delay_seconds_count"]
    )
    assert 0 < found['trunkline_answer_seizure_ratio{direction="termination"}'] < 1
    assert found["trunkline_unpublished_changes"] == 0
    assert "trunkline_active_calls" in found
    for outcome in ("answered", "failed"):  # of the first two calls; the third one was refused without any
        attempts = f'trunkline_attempts_total{{direction="termination",outcome="{outcome}"}}'
        assert found[attempts] == old.get(attempts, 0) + 1, outcome
    assert "trunkline_banned_sources" in found
    stranger = httpx.get(url, headers={"X-Forwarded-For": "192.0.2.1"}, trust_env=False, timeout=10)
    assert stranger.status_code == 401
    known = (operated.demo["account_sid"], operated.demo["auth_token"])
    proxied = httpx.get(url, headers={"X-Forwarded-For": "192.0.2.1"}, auth=known, trust_env=False, timeout=10)
    assert proxied.status_code == 200


def test_metrics_tell_what_waits_in_the_spool(operated: LiveNode) -> None:
    """Also where it matters: the recorder, which knows how far it is, hangs."""
    backlog = "trunkline_spool_backlog_bytes"
    wait_for(lambda: metrics(operated)[backlog] == 0, "an empty spool")
    (recorder,) = operated.pids("recorder")
    os.kill(recorder, signal.SIGSTOP)
    try:
        with PlainSip(operated.host, operated.sip_port) as stranger:
            assert stranger.invite(f"sip:{BUSY}@nobody.pstn.twilio.com").status == 403
        wait_for(lambda: metrics(operated)[backlog] > 100, "the refused call in the backlog")
    finally:
        os.kill(recorder, signal.SIGCONT)
    wait_for(lambda: metrics(operated)[backlog] == 0, "an empty spool")


def test_metrics_tell_of_restarts(operated: LiveNode) -> None:
    def restarts() -> dict[str, float]:
        name = "trunkline_program_restarts_total"
        return {key: value for key, value in metrics(operated).items() if key.startswith(name)}

    before = restarts()
    assert set(before.values()) == {0}
    (publisher,) = operated.pids("publisher")
    os.kill(publisher, signal.SIGTERM)
    wait_for(lambda: operated.pids("publisher") not in ([], [publisher]), "another publisher")
    assert restarts() == before | {'trunkline_program_restarts_total{program="publisher"}': 1}


def tls_of(version: ssl.TLSVersion, *, server: bool = False) -> ssl.SSLContext:
    """This version alone, with all that OpenSSL can do at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    return context


def options_by(context: ssl.SSLContext, host: str, port: int) -> str:
    """Status line of an OPTIONS over TLS. Raises ssl.SSLError."""
    with socket.create_connection((host, port), 5) as plain, context.wrap_socket(plain) as client:
        local = client.getsockname()
        client.sendall(
            f"OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/TLS {local[0]}:{local[1]};branch=z9hG4bK{local[1]}\r\n"
            f"From: <sip:x@{host}>;tag=x\r\nTo: <sip:{host}>\r\nCall-ID: tls-{local[1]}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode()
        )
        return client.recv(4096).split(b"\r\n")[0].decode()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(operated: LiveNode, version: ssl.TLSVersion) -> None:
    """By the front, and for the version: a server of the same OpenSSL that wants to takes the same client."""
    client, willing = tls_of(version), tls_of(version, server=True)
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        options_by(client, operated.host, operated.tls_port)
    willing.load_cert_chain(operated.settings.tls_dir / "cert.pem", operated.settings.tls_dir / "key.pem")
    assert shaken(client, willing) == version.name.replace("_", ".")


def shaken(client: ssl.SSLContext, server: ssl.SSLContext) -> str | None:
    """The version on which the two agree, in memory."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)]
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0].version()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_taken(operated: LiveNode, version: ssl.TLSVersion) -> None:
    assert options_by(tls_of(version), operated.host, operated.tls_port) == "SIP/2.0 200 OK"


def test_the_self_check_is_plain(operated: LiveNode, tmp_path: Path) -> None:
    found = trunkline(operated, "doctor-install", "--json")
    assert found.returncode == 0, found.stdout
    answers = json.loads(found.stdout)
    assert {"programs", "node", "ports", "address", "DNS", "certificate", "clock", "limits", "home"} <= {
        answer["subject"] for answer in answers
    }
    assert "a node runs here" in next(answer["told"] for answer in answers if answer["subject"] == "node")
    home = str(operated.settings.home)
    unlike = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", "doctor-install", "--home", home, "--sip-port", "9"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert f"the node in {home} runs with another --sip-host or --sip-port than 127.0.0.1 and 9: " in unlike.stdout
    with socket.socket() as taken:
        taken.bind((operated.host, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        elsewhere = {**os.environ, "TRUNKLINE_HOME": str(tmp_path / "none")}
        other = subprocess.run(
            [sys.executable, "-m", "trunkline.cli.main", "doctor-install", "--tls-port", port],
            env=elsewhere, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert other.returncode == 1
    assert f"TCP port {port} on 127.0.0.1 is in use" in other.stdout


def test_the_self_check_asks_for_what_the_node_was_started_with(operated: LiveNode) -> None:
    """The home alone is named: neither the default ports nor a word that options are missing."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", "doctor-install", "--json", "--home", str(operated.home)],
        env=bare, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    told = {answer["subject"]: answer["told"] for answer in reversed(json.loads(done.stdout))}
    assert "a node runs here" in told["node"]
    ports = f"{operated.sip_port} UDP and TCP, {operated.tls_port} and {operated.http_port} TCP"
    assert told["ports"] == f"the node has {ports}"
    first, last = operated.settings.media_ports
    assert told["media ports"].startswith(f"{first} to {last} carry ")


def test_a_call_from_the_terminal_is_found_again(operated: LiveNode) -> None:
    """`call` names its record, `calls` lists it, `explain` opens it."""
    placed = trunkline(operated, "call", BUSY, "--json")
    assert placed.returncode == 1, placed.stderr
    sid = json.loads(placed.stdout)["sid"]
    listed = json.loads(trunkline(operated, "calls", "--json").stdout)
    assert (listed[0]["sid"], listed[0]["status"], listed[0]["called"]) == (sid, "busy", BUSY)
    assert sid not in trunkline(operated, "calls", "--failed").stdout, "busy is no failure"
    refused = trunkline(operated, "call", "12")
    assert "Refused with 400 " in refused.stdout
    command = refused.stdout.splitlines()[-1].partition("trunkline ")[2].split()
    explained = trunkline(operated, *command[:2])
    assert explained.returncode == 0, explained.stderr
    assert explained.stdout.startswith(f"Call {command[1]}, ")
    assert f"{command[1]}  termination  " in trunkline(operated, "calls", "--failed", "--limit", "1").stdout


def test_the_log_has_no_error(operated: LiveNode) -> None:
    time.sleep(0.2)
    assert [line for line in operated.settings.log_file.read_text().splitlines() if '"level": "error"' in line] == []
