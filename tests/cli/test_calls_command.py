"""`trunkline calls`: the latest calls of a node, in a terminal of any width and in a pipe."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from call_log_server import call, serving
from click.testing import CliRunner, Result

from trunkline.cli.calls import call_lines
from trunkline.cli.main import cli

Calls = Callable[..., Result]
GOOD = call(9, "completed", duration=3661, sip_reason="OK", called="+15550100000")
BUSY = call(8, "busy", sip_reason="Busy Here")
BAD = call(7, "failed", 32202, cause="BAD_CREDENTIALS", sip_status=403, sip_reason="Forbidden")
CAME = call(6, "completed", direction="trunking-originating", duration=4, sip_reason="OK")
LONGEST = call(
    5, "failed", 32200, cause="GLOBAL_ENDPOINT_AMBIGUOUS", sip_status=403, caller="+123456789012345",
    called="+987654321098765", direction="trunking-originating",
)  # fmt: skip


@pytest.fixture
def calls(tmp_path) -> Iterator[Calls]:
    """Runs the command against an API that has these calls, newest first."""
    log: list[dict[str, Any]] = []

    def run(there: list[dict[str, Any]], *options: str) -> Result:
        log[:] = there
        return CliRunner().invoke(cli, ["calls", "--home", str(tmp_path), *options])

    with serving(tmp_path, log):
        yield run


def test_each_call_is_one_line_in_a_pipe(calls, tmp_path):
    done = calls([GOOD, BUSY, BAD, CAME])
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    when, parties = "2026-09-21 14:13:20", "+15557770001 → +15550100486"
    assert lines[:4] == [
        f"{when}  {GOOD['sid']}  termination  +15557770001 → +15550100000  completed  3661 s  200 OK",
        f"{when}  {BUSY['sid']}  termination  {parties}  busy               486 Busy Here",
        f"{when}  {BAD['sid']}  termination  {parties}  failed             403 bad credentials, error 32202",
        f"{when}  {CAME['sid']}  origination  {parties}  completed  4 s     200 OK",
    ]
    assert lines[-1] == f"  trunkline explain {BAD['sid']} --home {tmp_path}", "the newest that failed"


def test_where_none_failed_the_newest_is_explained(calls):
    done = calls([GOOD, BUSY])
    assert f"  trunkline explain {GOOD['sid']} --home " in done.stdout


@pytest.mark.parametrize("width", [80, 100, 120])
def test_two_lines_for_each_where_one_does_not_fit(width):
    there = [GOOD, BUSY, BAD, CAME]
    lines = call_lines(there, width)
    assert len(lines) == 8
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for one in there:
        assert one["sid"] in text
        assert one["called"] in text
    assert "completed  3661 s" in lines[0]
    assert lines[5] == "  termination  +15557770001 → +15550100486  403 bad credentials, error 32202", "whole"


def test_a_wide_terminal_has_one_line_for_each():
    assert call_lines([GOOD, BUSY], 160) == call_lines([GOOD, BUSY], 0)
    assert len(call_lines([GOOD, BUSY], 160)) == 2


def test_what_does_not_fit_is_cut_at_its_end():
    first, second = call_lines([LONGEST], 80)
    assert LONGEST["sid"] in first
    assert second == "  origination  +123456789012345 → +987654321098765  403 global endpoint ambiguo…"
    assert len(second) == 80


def test_in_a_terminal_of_80_columns(tmp_path):
    with serving(tmp_path, [GOOD, BAD]):
        main, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        done = subprocess.run(
            [sys.executable, "-m", "trunkline.cli.main", "calls", "--home", str(tmp_path)],
            stdin=end, stdout=end, stderr=end, env=environment, timeout=60, check=False,
        )  # fmt: skip
        os.close(end)
        lines = os.read(main, 65536).decode().split("\r\n")
        os.close(main)
    assert done.returncode == 0
    assert lines[0] == f"2026-09-21 14:13:20  {GOOD['sid']}  completed  3661 s"
    assert lines[1].startswith("  termination  +15557770001 → +15550100000  200 OK")
    assert max(map(len, lines[:4])) <= 80


def test_failed_ones_alone(calls):
    ended_badly = call(3, "completed", 32014)
    there = [*[call(100 + n, "completed") for n in range(1200)], BUSY, BAD, ended_badly]
    done = calls(there, "--failed", "--json")
    assert [one["sid"] for one in json.loads(done.stdout)] == [BAD["sid"], ended_badly["sid"]]
    done = calls(there, "--failed", "--limit", "1")
    assert [line for line in done.stdout.splitlines() if line.startswith("2026-")][1:] == []
    assert BAD["sid"] in done.stdout


def test_the_limit(calls):
    there = [call(n, "completed") for n in range(30, 0, -1)]
    assert calls(there).stdout.count("completed") == 20
    found = json.loads(calls(there, "--limit", "3", "--json").stdout)
    assert [one["sid"] for one in found] == [one["sid"] for one in there[:3]]
    assert found[0] == there[0], "the record as the API has it"


def test_an_empty_log_says_what_to_do(calls, tmp_path):
    done = calls([])
    told = f"No call is on record yet. `trunkline call +15550100000 --home {tmp_path}` places one through the demo.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (0, told, "")
    assert calls([], "--json").stdout == "[]\n"
    done = calls([GOOD], "--failed")
    assert done.exit_code == 0
    assert done.stdout.startswith("None of the newest calls failed (10,000 are looked at). ")


def test_what_a_stranger_says_does_nothing_to_the_terminal(calls):
    done = calls([call(1, "failed", caller="\x1b]0;owned\x07", called="\u202e1", sip_reason="a\x1b[2J")])
    assert done.stdout.replace("\n", "").isprintable()
    assert "?]0;owned? → ?1" in done.stdout


@pytest.mark.parametrize("command", ["calls", "explain"])
def test_without_a_node_as_its_neighbours(tmp_path, command):
    asked = ["--home", str(tmp_path)]
    done = CliRunner().invoke(cli, [command, *asked])
    told = f"trunkline: no readable {tmp_path}/account.json: `trunkline up` writes it; or name another --home\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told)
    account = {"account_sid": "AC" + "0" * 32, "auth_token": "0" * 32, "api_url": "http://127.0.0.1:9"}
    (tmp_path / "account.json").write_text(json.dumps(account))
    done = CliRunner().invoke(cli, [command, *asked])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("trunkline: the API at http://127.0.0.1:9 does not answer: ")
    assert done.stderr.count("\n") == 1
