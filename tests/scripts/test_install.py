"""scripts/install with stand-ins for apt and dpkg: what it installs, how it asks, and what it says when it cannot."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "env", "cat", "cksum", "tr", "dirname", "mktemp", "tail", "rm", "sed", "sleep", "pwd", "mv", "chmod")


@pytest.fixture
def machine(tmp_path):
    """A checkout in a path with a blank, already provided with Python packages, and a PATH with stand-ins only."""
    checkout, tools, state = tmp_path / "a checkout", tmp_path / "bin", tmp_path / "state"
    for folder in (checkout / "scripts", checkout / ".venv" / "bin", tools, state):
        folder.mkdir(parents=True)
    for name in ("scripts/install", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copy(ROOT / name, checkout / name)
    for name in TOOLS:
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    program(tools / "python3", "exit 0")
    # Content with everything, and older than 3.13.
    program(checkout / ".venv" / "bin" / "python", 'case "$*" in *"(3, 13)"*) exit 1 ;; esac')
    # dpkg-query: `-W -f=… PACKAGE`; installed is what has a file of its name.
    program(tools / "dpkg-query", f'[ -e "{state}/$3" ] && printf installed || exit 1')
    program(
        tools / "apt-get",
        f'echo "$*" >> "{tmp_path}/apt.log"; echo noise; [ -e "{state}/broken" ] && exit 100\n'
        f'cat "{tmp_path}/policy" >> "{tmp_path}/policy-seen"\n'
        f'for word in "$@"; do case $word in -*|install|update) ;; *) : > "{state}/$word" ;; esac; done',
    )
    return Machine(tmp_path, checkout, tools, state)


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class Machine:
    def __init__(self, folder, checkout, tools, state):
        self.folder, self.checkout, self.tools, self.state = folder, checkout, tools, state

    def install(self, what="run", *, uid=0):
        program(self.tools / "id", f"echo {uid}")
        return subprocess.run(
            [self.checkout / "scripts" / "install", what],
            env={"PATH": str(self.tools), "TMPDIR": str(self.folder), "HOME": str(self.folder)}
            | {"POLICY_RC_D": str(self.folder / "policy")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def apt(self):
        path = self.folder / "apt.log"
        return path.read_text().splitlines() if path.exists() else []

    def provide(self, *packages):
        for name in packages:
            (self.state / name).touch()


RUN_PACKAGES = (
    "kamailio", "kamailio-python3-modules", "kamailio-tls-modules", "kamailio-extra-modules", "rtpengine-daemon",
)  # fmt: skip


def test_what_is_missing_comes_by_apt_and_its_noise_stays_away(machine):
    machine.provide("kamailio")
    done = machine.install()
    assert done.returncode == 0, done.stderr
    [line] = machine.apt()
    assert line.endswith("--no-install-recommends " + " ".join(RUN_PACKAGES[1:]))
    assert "noise" not in done.stdout + done.stderr
    # invoke-rc.d(8): 101 keeps every service down while the packages are set up, and only so long.
    assert "exit 101" in (machine.folder / "policy-seen").read_text()
    assert not (machine.folder / "policy").exists()
    assert not list(machine.folder.glob("trunkline-install.*")), "the log is removed when all went well"


@pytest.mark.parametrize(
    ("tool", "said"),
    [("systemctl", "disable ngcp-rtpengine-daemon"), ("update-rc.d", "ngcp-rtpengine-daemon disable")],
)
def test_services_that_came_do_not_start_at_the_next_boot(machine, tool, said):
    program(machine.tools / tool, f'echo "$*" >> "{machine.folder}/disabled"; exit 1')
    assert machine.install().returncode == 0
    assert said in (machine.folder / "disabled").read_text().splitlines()


def test_twice_in_a_row_is_quick_and_silent(machine):
    machine.provide(*RUN_PACKAGES)
    machine.install()
    started = time.monotonic()
    done = machine.install()
    assert time.monotonic() - started < 1
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.apt() == []


def test_the_tests_need_more(machine):
    machine.provide(*RUN_PACKAGES)
    assert machine.install("test").returncode == 0
    assert machine.apt()[0].endswith("sip-tester baresip-core sipsak sipvicious postgresql tshark")


def test_what_serves_the_tests_serves_a_node(machine):
    machine.provide(*RUN_PACKAGES, "sip-tester", "baresip-core", "sipsak", "sipvicious", "postgresql", "tshark")
    machine.install("test")
    assert machine.install("run").stderr == ""


def test_neither_root_nor_sudo_is_one_clear_line(machine):
    done = machine.install(uid=1000)
    assert done.returncode == 2
    assert done.stderr == (
        f"trunkline: missing: {' '.join(RUN_PACKAGES)}. Install with: apt-get install --no-install-recommends "
        f"{' '.join(RUN_PACKAGES)} (this user is not root, and there is no sudo)\n"
    )
    assert machine.apt() == []


def test_sudo_is_used_when_it_needs_no_password(machine):
    program(machine.tools / "sudo", '[ "$1" = -n ] && shift; exec "$@"')
    (machine.tools / "true").symlink_to(shutil.which("true"))
    done = machine.install(uid=1000)
    assert done.returncode == 0, done.stderr
    assert len(machine.apt()) == 1


def test_sudo_that_asks_without_a_terminal(machine):
    program(machine.tools / "sudo", "exit 1")
    done = machine.install(uid=1000)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "there is no terminal to type it" in done.stderr


def test_a_system_without_apt_names_the_programs(machine):
    for name in ("apt-get", "dpkg-query"):
        (machine.tools / name).unlink()
    done = machine.install()
    if done.returncode == 0:
        pytest.skip("kamailio and rtpengine are in /usr/sbin of this machine")
    assert done.stderr.startswith("trunkline: missing: ")


def test_a_failing_apt_shows_its_last_words(machine):
    machine.provide("broken")
    done = machine.install()
    assert done.returncode == 2
    assert "noise" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("trunkline: missing: kamailio")
    assert len(machine.apt()) == 2, "it tries again after an update of the lists"
    assert [line.rpartition(" ")[2] for line in machine.apt()] == ["rtpengine-daemon", "update"]


def test_no_python_is_said(machine):
    machine.provide(*RUN_PACKAGES)
    (machine.tools / "python3").unlink()
    done = machine.install()
    assert machine.apt()[0].endswith(" python3 python3-venv")
    assert done.returncode == 2
    assert "no Python 3.11 or newer" in done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_is_content():
    subprocess.run(["shellcheck", ROOT / "scripts" / "install", ROOT / "scripts" / "lock"], check=True)


def test_a_wrong_word_says_how():
    done = subprocess.run([ROOT / "scripts" / "install"], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2
    assert done.stderr == "trunkline: usage: scripts/install run|test\n"
