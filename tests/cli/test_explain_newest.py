"""`trunkline explain` without a SID: which of the newest calls it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from call_log_server import call, serving
from click.testing import CliRunner, Result

from trunkline.cli.explain import wrapped
from trunkline.cli.main import cli

Explain = Callable[..., Result]


@pytest.fixture
def explain(tmp_path) -> Iterator[Explain]:
    """Runs the command against an API that has these calls, newest first."""
    calls: list[dict[str, Any]] = []

    def run(*there: dict[str, Any]) -> Result:
        calls[:] = there
        return CliRunner().invoke(cli, ["explain", "--home", str(tmp_path)])

    with serving(tmp_path, calls):
        yield run


def test_the_newest_failed_call_comes_before_a_newer_busy_one(explain):
    done = explain(call(4, "completed"), call(3, "busy"), call(2, "failed"), call(1, "failed"))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Call {call(2, 'failed')['sid']}, ")


def test_an_answered_call_with_an_error_counts_as_failed(explain):
    done = explain(call(2, "busy"), call(1, "completed", 32014))
    assert done.stdout.startswith(f"Call {call(1, 'completed')['sid']}, ")


@pytest.mark.parametrize("status", ["busy", "no-answer", "canceled"])
def test_where_none_failed_the_newest_that_reached_nobody(explain, status):
    done = explain(call(3, "completed"), call(2, status), call(1, "busy"))
    assert (done.exit_code, done.stderr) == (
        0,
        "None of the newest 3 calls failed. The last one that reached nobody:\n",
    )
    assert done.stdout.startswith(f"Call {call(2, status)['sid']}, ")
    assert f"  {status}: 486" in done.stdout


def test_where_all_were_answered_the_newest_is_named(explain):
    done = explain(call(2, "completed"), call(1, "completed"))
    sid = call(2, "completed")["sid"]
    told = f"trunkline: none of the newest 2 calls failed: for the last one, `trunkline explain {sid}`\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told)


def test_without_any_call(explain):
    done = explain()
    told = "trunkline: no call is on record yet: `trunkline call` places one\n"
    assert (done.exit_code, done.stderr) == (2, told)


def test_long_lines_are_wrapped_for_a_terminal_and_what_is_to_be_copied_is_not():
    line = "    Fix: " + "word " * 30
    parts = wrapped(line.rstrip(), 60)
    assert len(parts) > 2
    assert all(len(part) <= 60 for part in parts)
    assert all(part.startswith("      word") for part in parts[1:])
    assert " ".join(part.strip() for part in parts) == line.strip()
    snippet = "      " + "match=" + "198.51.100.0/24," * 10
    assert wrapped(snippet, 60) == [snippet]
    assert wrapped(line, 0) == [line]
