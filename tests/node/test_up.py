"""`trunkline up` itself, with real engines: its start, its refusals, its restarts and its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from node_fixtures import is_alive, processes_naming, settings_in, wait_until

from trunkline.node import lifeline
from trunkline.node.demo import Demo
from trunkline.node.supervisor import mark_of
from trunkline.node.up import LEFT_AT_LAST
from trunkline.settings import Ports
from trunkline.testbench.control import ControlClient

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
GREETED = "Stop with Ctrl-C"


class Node:
    """A `trunkline up` of the tests, on its own ports."""

    def __init__(self, settings, *options, checkout=ROOT, command=(sys.executable, "-m", "trunkline.cli.main", "up")):
        """`checkout`: the folder in which `command` runs."""
        self.settings = settings
        self.output = settings.home.parent / "output.txt"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TRUNKLINE_")}
        self._before = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=checkout,
                env=environment | settings.environ(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self):
        return self.output.read_bytes()[self._before :].decode()

    def wait_up(self):
        """Healthy, and `up` knows it: before its greeting, what ends is a start that failed."""
        wait_until(lambda: GREETED in self.said() or self.process.poll() is not None, "the node is up", within=40)
        assert self.process.poll() is None, self.said()
        wait_until(self.healthy, "healthy")

    def wait_said(self, text, within=30.0):
        wait_until(lambda: text in self.said(), f"it says {text!r}", within=within)

    def healthy(self):
        try:
            return httpx.get(f"{self.settings.api_url}/healthz", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def main_process(self, program):
        """The process of an engine that its keeper started."""
        wait_until(lambda: lifeline.marked(mark_of(self.settings, program)), f"{program} runs")
        mine = lifeline.marked(mark_of(self.settings, program))
        parents = lifeline.parents()
        return next(pid for pid in mine if parents.get(pid) not in mine)

    def left(self):
        return processes_naming(mark_of(self.settings))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


def program_of(pid):
    with suppress(OSError), open(f"/proc/{pid}/cmdline") as words:
        return words.read().partition("\0")[0]
    return ""


@pytest.fixture
def start(tmp_path):
    nodes = []

    def begin(*options, where=None, **settings):
        settings.setdefault("drain_seconds", "5")
        settings.setdefault("sip_workers", "1")
        node = Node(settings.pop("like", None) or settings_in(tmp_path / "ab%c", **settings), *options, **where or {})
        nodes.append(node)
        return node

    yield begin
    for node in nodes:
        node.end()
    for node in nodes:
        assert node.left() == [], "a process was left behind"


@pytest.fixture
def elsewhere(tmp_path):
    """A checkout in a path with a blank: where it is, and what `make run` does there.

    Its Python packages are ours, all but trunkline: as after scripts/install, which finds nothing to do.
    """
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "trunkline", folder / "trunkline")
    (folder / "scripts").mkdir()
    for name in ("Makefile", "scripts/install", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copy2(ROOT / name, folder / name)
    venv.create(folder / ".venv", symlinks=True)
    paths = f"{folder}\n{sysconfig.get_path('purelib')}\n"
    (next(folder.glob(".venv/lib/python*/site-packages")) / "as_installed.pth").write_text(paths)
    stamp = '{ pwd -P; cat requirements.lock pyproject.toml; } | cksum | tr -d " " > .venv/stamp-requirements.lock'
    subprocess.run(["sh", "-c", stamp], cwd=folder, check=True)
    # The suite itself may have been started by make, which tells its children so.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    asked = ["make", "-n", "run", "ARGS="]
    recipe = subprocess.run(asked, cwd=folder, env=alone, capture_output=True, text=True, check=True, timeout=10)
    return {"checkout": folder, "command": ["sh", "-e", "-c", recipe.stdout]}


def test_a_demo_from_start_to_end(start, elsewhere):
    """By what `make run` does, and in a path with a blank."""
    node = start(where=elsewhere)
    node.wait_up()
    ours = str(elsewhere["checkout"] / ".venv" / "bin" / "python")
    programs = [program_of(pid) for pid in lifeline.marked(mark_of(node.settings))]
    assert {program for program in programs if "python" in program} == {ours}
    node.wait_said(GREETED)
    said = node.said()
    assert "Trunkline is up." in said
    assert "The 1000 Hz tone came back" in said, said
    assert "completed" in said, said
    assert "Traceback" not in said
    demo = Demo.read(node.settings)
    assert demo is not None
    assert demo.sip_port == node.settings.sip_port
    lines = [json.loads(line) for line in node.settings.log_file.read_text().splitlines()]
    assert {"api", "publisher", "rtpengine", "recorder", "tls_front", "kamailio", "carrier"} <= {
        line["program"] for line in lines
    }
    assert node.end() == 0
    assert node.left() == []
    assert LEFT_AT_LAST not in node.said()


@pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities to lose")
def test_engines_have_no_capabilities(start):
    node = start()
    node.wait_up()
    for program in ("kamailio", "tls_front", "rtpengine"):
        with open(f"/proc/{node.main_process(program)}/status") as status:
            assert "CapEff:\t0000000000000000" in status.read()


def test_a_killed_engine_comes_back(start):
    node = start()
    node.wait_up()
    for program in ("kamailio", "rtpengine", "tls_front"):
        killed = node.main_process(program)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda pid=killed: not is_alive(pid), f"{program} is gone")
        node.wait_said(f"{program} ended and was started again (1 times so far)")
        wait_until(node.healthy, f"healthy again after {program} was killed", within=20)


def test_a_killed_supervisor_comes_back(start):
    node = start()
    node.wait_up()
    before = node.main_process("kamailio")
    supervisor = int((node.settings.run_dir / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    node.wait_said("The supervisor ended and is started again")
    wait_until(lambda: not is_alive(before), "the old Kamailio is gone")
    wait_until(node.healthy, "healthy again", within=20)


def test_kill_minus_nine_leaves_no_orphan_and_the_next_start_works(start):
    node = start()
    node.wait_up()
    node.process.kill()
    node.process.wait()
    wait_until(lambda: not node.left(), "no orphan", within=2)
    again = start(like=node.settings)
    again.wait_up()


def test_a_second_one_on_the_same_home_is_refused(start):
    node = start()
    node.wait_up()
    other = start(like=node.settings)
    assert other.process.wait(timeout=20) == 2
    lines = [line for line in node.said().splitlines() if line.startswith("trunkline: ")]
    assert len(lines) == 1
    assert f"another `trunkline up` (process {node.process.pid})" in lines[0]
    assert node.healthy()


def test_a_port_in_use_starts_nothing(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        node = start(sip_port=str(taken.getsockname()[1]))
        assert node.process.wait(timeout=20) == 2
    assert node.said().startswith(f"trunkline: UDP port {node.settings.sip_port} on 127.0.0.1 is in use")
    assert node.said().count("\n") == 1
    assert node.left() == []


def test_a_program_that_cannot_start_ends_all(start):
    """Somebody takes the control port between the check and the start: all is stopped, one line says what it was."""
    node = start("--demo")
    wait_until(node.settings.ports_file.exists, "ports are chosen", within=20)
    port = Ports.read(node.settings.ports_file).carrier_control
    try:
        with socket.create_server(("127.0.0.1", port)):
            status = node.process.wait(timeout=60)
    except OSError:
        pytest.skip("the carrier was quicker than this test")
    assert status == 2
    [line] = node.said().splitlines()
    assert line.startswith("trunkline: carrier cannot start: ")
    assert node.left() == []


def place_call(node, seconds):
    """`trunkline call` to the echo, in the background."""
    demo = Demo.read(node.settings)
    assert demo is not None
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "trunkline.cli.main", "call", demo.echo_number, "--json"),
            *("--seconds", str(seconds), "--home", str(node.settings.home)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def answered_calls(node):
    control = ControlClient(Ports.read(node.settings.ports_file).carrier_control)
    try:
        seen = control.ask("seen")["calls"]
    finally:
        control.close()
    return [call for call in seen if call["answered"] and not call["ended"]]


def test_sigterm_lets_a_running_call_finish_and_refuses_new_ones(start):
    node = start("--demo", drain_seconds="20")
    node.wait_said(GREETED, within=40)
    call = place_call(node, 4)
    wait_until(lambda: answered_calls(node), "the call is answered", within=15)
    node.process.send_signal(signal.SIGTERM)
    node.wait_said("Waiting up to 20 s for 1 running calls")
    refused = place_call(node, 1)
    output, _ = refused.communicate(timeout=20)
    assert refused.returncode == 1
    assert json.loads(output)["result"]["sip_status"] == 503
    output, _ = call.communicate(timeout=20)
    assert call.returncode == 0, output
    assert node.process.wait(timeout=15) == 0


def test_the_second_signal_ends_all_at_once(start):
    node = start("--demo", drain_seconds="60")
    node.wait_said(GREETED, within=40)
    call = place_call(node, 30)
    wait_until(lambda: answered_calls(node), "the call is answered", within=15)
    node.process.send_signal(signal.SIGINT)
    node.wait_said("Waiting up to 60 s")
    started = time.monotonic()
    node.process.send_signal(signal.SIGINT)
    assert node.process.wait(timeout=10) == 0
    assert time.monotonic() - started < 3
    call.terminate()
    call.communicate(timeout=10)
