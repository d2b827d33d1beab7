from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.engines.rtpengine.config import command, max_calls
from trunkline.settings import Settings, SettingsError

HOME = Path("/home/x/with a space")


def argv(**settings: Any) -> list[str]:
    return command(Settings(home=HOME, **settings), 22222)


def test_command_of_the_defaults() -> None:
    said = argv()
    assert said[0] == "rtpengine"
    assert {"--foreground", "--log-stderr", "--table=-1", "--config-file=none", "--delete-delay=0"} < set(said)
    assert {"--listen-ng=127.0.0.1:22222", "--interface=127.0.0.1", "--port-min=10000", "--port-max=60000"} < set(said)
    assert {"--max-sessions=12500", "--tos=184", "--endpoint-learning=heuristic"} < set(said)


@pytest.mark.parametrize(
    ("host", "public", "interface"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("10.0.0.5", "203.0.113.9", "10.0.0.5!203.0.113.9"),
        ("0.0.0.0", "203.0.113.9", "0.0.0.0!203.0.113.9"),
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", None, "2001:db8::1"),
    ],
)
def test_interface(host: str, public: str | None, interface: str) -> None:
    assert f"--interface={interface}" in argv(sip_host=host, public_ip=public)


def test_the_edges_port_is_never_a_media_port() -> None:
    said = argv(sip_port=20000, rtp_ports=(10000, 60000))
    assert "--port-min=20001" in said
    assert "--port-max=60000" in said


def test_calls_by_the_range_of_ports() -> None:
    assert max_calls(Settings(home=HOME, rtp_ports=(10000, 10007))) == 2
    assert max_calls(Settings(home=HOME, rtp_ports=(10000, 10006))) == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sip_host": "0.0.0.0"}, "--public-ip"),
        ({"sip_host": "sip.example.com"}, "--sip-host"),
        ({"rtp_ports": (10000, 10002)}, "--rtp-ports"),
    ],
)
def test_what_cannot_work_is_said(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        argv(**settings)


@pytest.mark.parametrize(("ours", "theirs"), [("debug", 7), ("info", 5), ("warning", 4), ("error", 3)])
def test_log_level(ours: str, theirs: int) -> None:
    assert f"--log-level={theirs}" in argv(log_level=ours)
