"""Processes that must not outlive their node."""

import os
import signal
import subprocess
import sys

from node_fixtures import is_alive, wait_until

from trunkline.node import lifeline


def test_parents_and_descendants():
    with subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"]) as shell:
        wait_until(lambda: len(lifeline.descendants(shell.pid)) == 2, "both sleeps run")
        children = lifeline.descendants(shell.pid)
        assert shell.pid in lifeline.descendants(os.getpid())
        lifeline.kill_all([*children, shell.pid])
        wait_until(lambda: not any(map(is_alive, children)), "they end")


def test_a_child_dies_with_its_parent(tmp_path):
    program = (
        "import os, signal, subprocess, sys, time\n"
        "from trunkline.node import lifeline\n"
        "ours = os.getpid()\n"
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=lambda: lifeline.die_with_parent(ours))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
        wait_until(lambda: not is_alive(child), "the child dies", within=2)


def test_a_parent_that_is_gone_already_is_noticed():
    program = "from trunkline.node import lifeline; lifeline.die_with_parent(1 << 22)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL


def test_marked_processes_are_found_and_ended(tmp_path):
    mark = f"{tmp_path}#"
    environment = os.environ | {lifeline.MARK: mark + "dummy"}
    with subprocess.Popen(["sleep", "60"], env=environment) as one, subprocess.Popen(["sleep", "60"]) as other:
        wait_until(lambda: lifeline.marked(mark) == [one.pid], "the mark is seen")
        assert lifeline.marked(mark + "dummy") == [one.pid]
        assert lifeline.marked(mark + "dumm") == []
        assert lifeline.kill_marked(mark, spare=set()) == [one.pid]
        assert not is_alive(one.pid)
        assert is_alive(other.pid)
        other.kill()
