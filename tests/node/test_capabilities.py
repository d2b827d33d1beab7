"""As root the engines lose their power; as anybody else nothing changes."""

import os
import subprocess
from pathlib import Path

import pytest

from trunkline.node import capabilities
from trunkline.node.capabilities import wrap

ARGV = ["kamailio", "-DD"]


def test_an_ordinary_user_has_nothing_to_lose(tmp_path):
    assert wrap(ARGV, ports=[5060], paths=[tmp_path], uid=1000) == ARGV


def test_root_loses_all(monkeypatch):
    monkeypatch.setattr(capabilities, "open_to_owner_root", lambda path: True)
    wrapped = wrap(ARGV, ports=[5060], paths=[Path("/")], uid=0)
    assert wrapped == ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *ARGV]


def test_a_low_port_keeps_the_right_to_bind_it(monkeypatch):
    monkeypatch.setattr(capabilities, "first_unprivileged_port", lambda: 1024)
    assert "--bounding-set=-all,+net_bind_service" in wrap(ARGV, ports=[443], paths=[Path("/")], uid=0)


def test_a_home_in_somebody_elses_closed_folder_stays_readable(monkeypatch):
    monkeypatch.setattr(capabilities, "open_to_owner_root", lambda path: False)
    assert "--bounding-set=-all,+dac_read_search" in wrap(ARGV, ports=[5060], paths=[Path("/x")], uid=0)


def test_which_folders_are_open(tmp_path):
    assert capabilities.open_to_owner_root(Path("/usr/bin"))
    if os.getuid() == 0:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        os.chown(closed, 1000, 1000)
        assert not capabilities.open_to_owner_root(closed / "below")


@pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities to lose")
def test_the_kernel_agrees():
    argv = wrap(["cat", "/proc/self/status"], ports=[5060], paths=[Path("/usr")])
    status = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert f"{name}:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
