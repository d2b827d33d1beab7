"""What is wrong is said before anything starts, in one line that says what to do."""

import os
import socket

import pytest
from node_fixtures import settings_in

from trunkline.node import preflight
from trunkline.node.preflight import PreflightError, check_options, check_ports, check_programs, extend_path


def test_all_is_well(tmp_path):
    check_ports(settings_in(tmp_path))
    check_programs(demo=True)
    check_options(settings_in(tmp_path), demo=True)


@pytest.mark.parametrize("name", ["sip_port", "tls_port", "http_port"])
def test_a_port_in_use_is_named_with_its_option(tmp_path, name):
    settings = settings_in(tmp_path)
    port = getattr(settings, name)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PreflightError) as raised:
        check_ports(settings)
    assert f"TCP port {port} on 127.0.0.1 is in use" in str(raised.value)
    assert "--" + name.replace("_", "-") in str(raised.value)


def test_a_udp_port_in_use(tmp_path):
    settings = settings_in(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", settings.sip_port))
        with pytest.raises(PreflightError, match=f"UDP port {settings.sip_port}"):
            check_ports(settings)


def test_the_ports_of_the_second_address(tmp_path):
    settings = settings_in(tmp_path, second_host="::1")
    check_ports(settings)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::1", settings.sip_port))
        with pytest.raises(PreflightError, match=f"UDP port {settings.sip_port} on ::1 is in use"):
            check_ports(settings)


def test_a_second_address_of_somebody_else(tmp_path):
    with pytest.raises(PreflightError, match=r"2001:db8::1 is no address .*choose another --second-host"):
        check_ports(settings_in(tmp_path, second_host="2001:db8::1"))


def test_an_address_of_somebody_else(tmp_path):
    settings = settings_in(tmp_path, sip_host="192.0.2.1")
    with pytest.raises(PreflightError) as raised:
        check_ports(settings)
    assert str(raised.value) == (
        "192.0.2.1 is no address of this machine: choose another --sip-host (`ip address` lists them)"
    )


def test_a_port_without_the_right(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "problem_with", lambda *_: PermissionError(13, "Permission denied"))
    with pytest.raises(PreflightError, match="needs a right that this user lacks: choose --sip-port 1024 or higher"):
        check_ports(settings_in(tmp_path))


def test_a_media_range_in_use(tmp_path):
    settings = settings_in(tmp_path)
    first, last = settings.rtp_ports
    taken = []
    for port in range(first, last + 1):
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            pass  # somebody else has it, which serves as well
        taken.append(held)
    with pytest.raises(PreflightError, match="--rtp-ports"):
        check_ports(settings)
    for held in taken:
        held.close()


def test_missing_programs_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreflightError) as raised:
        check_programs(demo=False)
    assert "apt-get install kamailio" in str(raised.value)
    assert "apt-get install rtpengine-daemon" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_folders_of_system_programs_are_searched(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    extend_path()
    assert "/usr/sbin" in os.environ["PATH"].split(":")


def test_a_demo_wants_ipv4(tmp_path):
    with pytest.raises(PreflightError, match="IPv4"):
        check_options(settings_in(tmp_path, sip_host="::1"), demo=True)
