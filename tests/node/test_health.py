"""Health: asked like a peer, answered in words."""

import socket
import threading

import pytest
from node_fixtures import free_ports, settings_in

from trunkline.node.health import Health, kamailio_problem, reachable, rtpengine_problem, tls_front_problem
from trunkline.settings import Ports


@pytest.fixture
def ports():
    return Ports(*free_ports(5))


def test_nothing_runs(tmp_path, ports):
    report = Health(settings_in(tmp_path), ports, patience=0.3)()
    assert set(report.parts) == {"kamailio", "tls_front", "rtpengine"}
    assert not report.healthy
    assert all("no answer" in str(problem) for problem in report.parts.values())


@pytest.mark.parametrize(
    ("status", "problem"),
    [(b"200 OK", None), (b"503 Draining", "the answer to OPTIONS was 'SIP/2.0 503 Draining'")],
)
def test_an_answer_to_options(tmp_path, status, problem):
    settings = settings_in(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((settings.sip_host, settings.sip_port))
        seen = []

        def answer():
            request, sender = server.recvfrom(65535)
            seen.append(request)
            server.sendto(b"SIP/2.0 " + status + b"\r\n\r\n", sender)

        thread = threading.Thread(target=answer)
        thread.start()
        assert kamailio_problem(settings) == problem
        thread.join()
    assert seen[0].startswith(f"OPTIONS sip:127.0.0.1:{settings.sip_port} SIP/2.0\r\n".encode())


def test_a_listener_without_tls(tmp_path):
    settings = settings_in(tmp_path)
    with socket.create_server((settings.sip_host, settings.tls_port)):
        assert "no answer to OPTIONS by TLS" in str(tls_front_problem(settings, patience=0.3))


def test_a_silent_rtpengine(ports):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", ports.ng))
        assert rtpengine_problem(ports, patience=0.3) == f"no answer to ping from 127.0.0.1:{ports.ng}"


def test_many_askers_cost_one_question(tmp_path, ports):
    health = Health(settings_in(tmp_path), ports, patience=0.1)
    asked = []
    health._checks = {"kamailio": lambda: asked.append(1)}
    for _ in range(5):
        health()
    assert len(asked) == 1


def test_a_wildcard_is_reached_on_loopback():
    assert [reachable(host) for host in ("0.0.0.0", "::", "192.0.2.1")] == ["127.0.0.1", "::1", "192.0.2.1"]
