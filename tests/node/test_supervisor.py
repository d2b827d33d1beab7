"""supervisord as we use it, with dummy programs: odd paths, restarts, order, and no orphan."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from node_fixtures import is_alive, processes_naming, settings_in, wait_until

from trunkline.node import home
from trunkline.node.supervisor import FATAL, RUNNING, Program, Supervisor, SupervisorGone, mark_of

NOTE = 'echo $$ >> "$PIDS"; '


@pytest.fixture
def settings(tmp_path):
    found = settings_in(tmp_path / "a b%c; #d 'e")
    home.prepare(found)
    return found


@pytest.fixture
def supervise(settings):
    started = []

    def start(*programs):
        supervisor = Supervisor(settings, list(programs))
        supervisor.start()
        started.append(supervisor)
        return supervisor

    yield start
    for supervisor in started:
        supervisor.kill()
    wait_until(lambda: not processes_naming(mark_of(settings)), "nothing is left of the node")


def shell(settings, name, script, priority=10):
    environment = {"PIDS": str(settings.run_dir / f"{name}.pids"), "ODD": "50% ;off #1"}
    return Program(name, ["sh", "-c", script], priority, environment)


def pids(settings, name, count=1):
    path = settings.run_dir / f"{name}.pids"
    wait_until(lambda: path.exists() and len(path.read_text().split()) >= count, f"{name} has started {count} times")
    return [int(text) for text in path.read_text().split()]


def states(supervisor):
    try:
        return supervisor.states()
    except SupervisorGone:
        return {}


def stream(settings):
    return [json.loads(line) for line in settings.log_file.read_text().splitlines()]


def test_odd_paths_and_values_reach_the_program(supervise, settings):
    supervisor = supervise(shell(settings, "odd", NOTE + 'echo "$ODD"; exec sleep 300'))
    pids(settings, "odd")
    wait_until(lambda: states(supervisor) == {"odd": RUNNING}, "it runs")
    assert "50% ;off #1" in [line["message"] for line in stream(settings)]
    assert supervisor.stop(within=5)
    assert supervisor.ended()


def test_a_killed_program_is_started_again_and_counted(supervise, settings):
    supervisor = supervise(shell(settings, "dummy", NOTE + "exec sleep 300"))
    first = pids(settings, "dummy")[0]
    wait_until(lambda: states(supervisor) == {"dummy": RUNNING}, "it runs")
    assert supervisor.restarts() == {"dummy": 0}
    os.kill(first, signal.SIGKILL)
    second = pids(settings, "dummy", 2)[1]
    assert is_alive(second)
    assert supervisor.restarts() == {"dummy": 1}


def test_a_killed_keeper_is_replaced_and_its_program_too(supervise, settings):
    supervise(shell(settings, "dummy", NOTE + "setsid sleep 300 & exec sleep 300"))
    first = pids(settings, "dummy")[0]
    keeper = int(Path("/proc", str(first), "stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    pids(settings, "dummy", 2)
    wait_until(lambda: not is_alive(first), "the first one is gone")
    # The one that hid in a session of its own was found by its mark.
    wait_until(lambda: len(processes_naming(mark_of(settings, "dummy"))) == 2, "two sleeps, both of the second start")


def test_a_program_that_cannot_start_is_given_up(supervise, settings):
    supervisor = supervise(shell(settings, "broken", "echo no good >&2; exit 1"))
    wait_until(lambda: states(supervisor) == {"broken": FATAL}, "it is given up", within=20)
    assert supervisor.restarts() == {"broken": 3}
    supervisor.start_program("broken")
    wait_until(lambda: supervisor.restarts()["broken"] >= 4, "another chance")


def test_programs_stop_in_the_opposite_order(supervise, settings):
    names = ("first", "second", "third")
    supervisor = supervise(
        *(
            shell(
                settings, name, f'trap "echo {name} ends; exit" TERM; {NOTE} while :; do sleep 0.02; done', 10 * place
            )
            for place, name in enumerate(names)
        )
    )
    for name in names:
        pids(settings, name)
    wait_until(lambda: set(states(supervisor).values()) == {RUNNING}, "all run")
    started = time.monotonic()
    assert supervisor.stop(within=10)
    assert time.monotonic() - started < 3
    said = [line["message"] for line in stream(settings) if line["message"].endswith(" ends")]
    assert said == ["third ends", "second ends", "first ends"]


def test_hurry_gives_up_waiting(supervise, settings):
    supervisor = supervise(shell(settings, "stubborn", f"trap '' TERM; {NOTE} while :; do sleep 0.02; done"))
    [process] = pids(settings, "stubborn")
    assert not supervisor.stop(within=30, hurry=lambda: True)
    supervisor.kill()
    wait_until(lambda: not is_alive(process), "it is gone", within=2)


def test_kill_minus_nine_of_the_parent_leaves_no_orphan(settings):
    """The parent stands for `trunkline up`: within 2 s everything below it is gone, even what ignores SIGTERM."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from trunkline.node.supervisor import Program, Supervisor\n"
        "from trunkline.settings import Settings\n"
        "settings = Settings(Path(sys.argv[1]))\n"
        "script = 'trap \"\" TERM; setsid sleep 300 & sleep 300'\n"
        "Supervisor(settings, [Program(name, ['sh', '-c', script], 1) for name in ('one', 'two')]).start()\n"
        "time.sleep(300)\n"
    )
    mark = mark_of(settings)
    with subprocess.Popen([sys.executable, "-c", program, str(settings.home)]) as parent:
        # supervisord, two keepers, two shells, four sleeps
        wait_until(lambda: len(processes_naming(mark)) == 9, "everything runs")
        parent.kill()
        parent.wait()
        wait_until(lambda: not processes_naming(mark), "no orphan", within=2)
