"""What Kamailio is given to read: it must take it, whatever the paths and addresses are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from trunkline.core.policy import LONGEST_SETUP, NO_ANSWER_AFTER
from trunkline.engines.kamailio import config
from trunkline.engines.rtpengine.config import UNANSWERED_SECONDS
from trunkline.settings import Ports, Settings

SECRET = b"0123456789abcdef0123456789abcdef"


def ports() -> Ports:
    return Ports(ng=21001, edge_inner=21002, tls_front=21003, carrier=21004, carrier_control=21005)


@pytest.fixture(params=["home", "a home with blanks", 'quote"and!bang', "päth"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / request.param, sip_port=21060, tls_port=21061)
    for folder in (settings.run_dir, settings.tls_dir, settings.spool_dir, settings.socket_dir):
        folder.mkdir(parents=True, exist_ok=True)
    return settings


def check(program: config.Program) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*program.argv[:3], "-c"], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("with_media", [True, False])
def test_kamailio_takes_the_files(settings: Settings, with_media: bool) -> None:
    programs = config.kamailio_programs(settings, ports(), SECRET, with_media=with_media)
    assert set(programs) == {"kamailio", "tls_front"}
    for program in programs.values():
        checked = check(program)
        assert checked.returncode == 0, checked.stderr
        assert "CRITICAL" not in checked.stderr


def test_the_files_are_for_nobody_else(settings: Settings) -> None:
    config.kamailio_programs(settings, ports(), SECRET)
    for name in ("edge.cfg", "front.cfg", "tls.cfg", "edge.json"):
        assert (settings.run_dir / name).stat().st_mode & 0o777 == 0o600


def test_the_script_learns_what_it_needs(settings: Settings) -> None:
    programs = config.kamailio_programs(settings, ports(), SECRET)
    told = json.loads((settings.run_dir / "edge.json").read_text())
    assert told["routing_db"] == str(settings.routing_db)
    assert told["own_hosts"] == ["127.0.0.1", "localhost"]
    assert told["realm"] == "sip.twilio.com"
    assert programs["kamailio"].environment["TRUNKLINE_EDGE_FILE"] == str(settings.run_dir / "edge.json")
    # One secret of the home, a key of its own for each purpose, and the secret itself nowhere.
    assert len({told["hop_secret"], told["route_key"], told["route_outer_key"], SECRET.hex()}) == 4
    for file in settings.run_dir.iterdir():
        if file.is_file():
            assert SECRET.hex() not in file.read_text()


def test_the_addresses_that_peers_are_told(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, sip_host="0.0.0.0", public_ip="192.0.2.5", sip_port=21060, tls_port=21061)
    settings.run_dir.mkdir(parents=True)
    config.kamailio_programs(settings, ports(), SECRET)
    edge = (settings.run_dir / "edge.cfg").read_text()
    assert "listen=udp:0.0.0.0:21060 advertise 192.0.2.5:21060" in edge
    assert "listen=tcp:127.0.0.1:21002" in edge
    assert config.own_hosts(settings) == ["0.0.0.0", "192.0.2.5"]


def test_no_clock_of_the_engines_ends_a_call_that_may_still_ring(tmp_path: Path) -> None:
    """Timer C is more than 3 minutes (RFC 3261 section 16.6), which is what Kamailio has for a whole transaction."""
    settings = Settings(home=tmp_path, sip_port=21060, tls_port=21061)
    settings.run_dir.mkdir(parents=True)
    config.kamailio_programs(settings, ports(), SECRET)
    assert 180 < settings.ring_seconds == NO_ANSWER_AFTER < LONGEST_SETUP
    assert Settings.load({"ring_seconds": str(LONGEST_SETUP)}, {}).ring_seconds == LONGEST_SETUP, "the longest there is"
    edge = (settings.run_dir / "edge.cfg").read_text()
    words = dict(re.findall(r'^#!substdef "!(\w+)!(\d+)!g"$', edge, re.MULTILINE))
    clocks = {
        name: int(words[word])
        for _, name, word in re.findall(r'^modparam\("(\w+)", "(\w+)", ([A-Z_]+)\)$', edge, re.MULTILINE)
    }
    assert clocks["fr_inv_timer"] == NO_ANSWER_AFTER * 1000
    assert clocks["max_inv_lifetime"] == LONGEST_SETUP * 1000
    assert clocks["early_timeout"] > LONGEST_SETUP
    assert UNANSWERED_SECONDS > LONGEST_SETUP


def test_a_missing_module_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tm.so").touch()
    monkeypatch.setattr(config, "MODULE_FOLDERS", (str(tmp_path),))
    with pytest.raises(
        config.KamailioMissing, match=r"app_python3\.so is not installed: apt-get install kamailio-python3-modules"
    ):
        config.find_modules()


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("Trunkline-", False),
        ("trunkline-Hop", False),
        ("TRUNKLINE-own", False),
        ("", True),
        ("T", True),
        ("Trunk-Id", True),
        ("Trunkline", True),
        ("Trunkliner-x", True),
        ("Customer", True),
        ("A-Trunkline-x", True),
    ],
)
def test_headers_that_are_not_ours(name: str, others: bool) -> None:
    pattern = config.but_not(config.OWN_HEADERS)
    assert bool(re.fullmatch(f"X-({pattern})", f"X-{name}", re.IGNORECASE)) is others
    grep = ["grep", "-Eicx", f"X-({pattern})"]  # the C library's, as Kamailio's
    assert (
        subprocess.run(grep, check=False, input=f"X-{name}\n", capture_output=True, text=True).stdout == f"{others:d}\n"
    )
