"""The keeper: one program, its lines, its end, and nothing left of it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from node_fixtures import is_alive, wait_until

from trunkline.node import keeper, lifeline


@pytest.fixture
def keep(tmp_path):
    """Start a keeper with a shell script as its program; it is ended after the test."""
    started = []

    def start(script, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline.node.keeper", "dummy", "--", "sh", "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PIDS": str(tmp_path / "pids")} | environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=15)


def noted_pids(tmp_path: Path, count: int) -> list[int]:
    path = tmp_path / "pids"
    wait_until(lambda: path.exists() and len(path.read_text().split()) == count, f"{count} processes run")
    return [int(text) for text in path.read_text().split()]


STUBBORN = """
trap '' TERM
(trap '' TERM; echo $$ >/dev/null; exec sh -c 'echo $$ >> "$PIDS"; exec sleep 300') &
setsid sh -c 'trap "" TERM; echo $$ >> "$PIDS"; exec sleep 300' &
"""


def test_lines_are_structured_and_the_status_is_the_programs(keep):
    process = keep('echo one; echo " 1(2) ERROR: {call_id=x@y} <script>: two" >&2; printf three; exit 7')
    output, _ = process.communicate(timeout=15)
    lines = [json.loads(text) for text in output.splitlines()]
    assert [line["message"] for line in lines[1:]] == ["one", "<script>: two", "three", "ended with status 7"]
    assert lines[2]["call_id"] == "x@y"
    assert {line["program"] for line in lines} == {"dummy"}
    assert process.returncode == 7


def test_a_killed_main_process_takes_its_workers_along(keep, tmp_path):
    process = keep(STUBBORN + 'echo $$ >> "$PIDS"; exec sleep 300')
    pids = noted_pids(tmp_path, 3)
    main = next(pid for pid in pids if lifeline.parents()[pid] == process.pid)
    os.kill(main, signal.SIGKILL)
    assert process.wait(timeout=5) == 128 + signal.SIGKILL
    assert not any(map(is_alive, pids))


def test_sigterm_is_passed_on_and_the_program_may_finish(keep, tmp_path):
    process = keep('trap "echo bye; exit 3" TERM; echo $$ >> "$PIDS"; while :; do sleep 0.05; done')
    noted_pids(tmp_path, 1)
    process.terminate()
    output, _ = process.communicate(timeout=5)
    assert process.returncode == 3
    assert '"message": "bye"' in output


def test_an_end_without_manners_when_nobody_supervises_any_more(tmp_path):
    """The supervisor dies by kill -9: within two seconds nothing is left, not even what ignores SIGTERM."""
    supervisor = subprocess.Popen(
        [
            *(sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"),
            *(sys.executable, "-m", "trunkline.node.keeper", "dummy", "--", "sh", "-c"),
            STUBBORN + 'echo $$ >> "$PIDS"; while :; do sleep 300; done',
        ],
        env=os.environ | {"PIDS": str(tmp_path / "pids")},
        stdout=subprocess.DEVNULL,
    )
    pids = noted_pids(tmp_path, 3)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not any(map(is_alive, pids)), "all of them end", within=2)


def test_a_start_ends_what_an_earlier_one_left(keep, tmp_path):
    mark = f"{tmp_path}#dummy"
    with subprocess.Popen(["sleep", "300"], env=os.environ | {lifeline.MARK: mark}) as left:
        wait_until(lambda: lifeline.marked(mark), "it runs")
        process = keep("exit 0", **{lifeline.MARK: mark})
        output, _ = process.communicate(timeout=10)
        assert left.wait(timeout=5) == -signal.SIGKILL
    assert "ended 1 processes of an earlier start" in output


def test_a_missing_program_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "trunkline.node.keeper", "dummy", "--", "/no/such/program"],
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert done.returncode == 127
    assert "cannot start /no/such/program" in done.stdout
    assert done.stderr == ""


def test_the_plan_gives_command_and_environment(tmp_path):
    plan = tmp_path / "programs.json"
    argv = ["sh", "-c", 'echo "$ODD"']
    plan.write_text(json.dumps({"dummy": {"argv": argv, "environment": {"ODD": "a ;b #c %d"}}}))
    log = tmp_path / "log.jsonl"
    subprocess.run(
        [sys.executable, "-m", "trunkline.node.keeper", "dummy"],
        env=os.environ | {keeper.PLAN: str(plan), keeper.LOG: str(log)},
        check=True,
        timeout=15,
    )
    assert [json.loads(line)["message"] for line in log.read_text().splitlines()][1] == "a ;b #c %d"


def test_quick_deaths_are_held_back(tmp_path, keep):
    now = time.time()
    (tmp_path / "dummy").write_text("".join(f"{now - 1:.3f}\n" for _ in range(5)))
    process = keep("echo ran", **{keeper.STARTS: str(tmp_path)})
    output, _ = process.communicate(timeout=15)
    said = [json.loads(line) for line in output.splitlines()]
    assert said[0]["message"] == "started 6 times within 60 s: waiting 2 s"
    assert time.time() - now >= 2
    assert len(keeper.starts_of(tmp_path / "dummy")) == 6


def test_starts_of_a_program_that_never_ran(tmp_path):
    assert keeper.starts_of(tmp_path / "nobody") == []


def test_a_full_disk_keeps_no_program_from_starting(tmp_path, keep):
    """Where the start cannot be noted: here there is no such folder."""
    output, _ = keep("echo ran", **{keeper.STARTS: str(tmp_path / "gone")}).communicate(timeout=15)
    assert "ran" in [json.loads(line)["message"] for line in output.splitlines()]


def test_a_start_that_was_cut_short_is_passed_over(tmp_path):
    (tmp_path / "dummy").write_text("17643.317643.500\n17644.100\n17")
    assert keeper.starts_of(tmp_path / "dummy") == [17644.1]
