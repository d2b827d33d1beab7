"""`trunkline explain` without a SID: which of the newest calls it shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from trunkline.cli.explain import wrapped
from trunkline.cli.main import cli

Explain = Callable[..., Result]


def call(number: int, status: str, error_code: int | None = None) -> dict[str, Any]:
    return {
        "sid": f"CA{number:032x}",
        "status": status,
        "error_code": error_code,
        "direction": "trunking-terminating",
        "started_us": 1_790_000_000_000_000,
        "caller": "+15557770001",
        "called": "+15550100486",
        "source_address": "udp:127.0.0.1:5080",
        "user_agent": "",
        "sip_status": 200 if status == "completed" else 486,
        "sip_reason": "",
        "duration": 0,
        "attempts": [],
        "alerts": [],
        "more_info": None,
    }


@pytest.fixture
def explain(tmp_path) -> Iterator[Explain]:
    """Runs the command against an API that has these calls, newest first."""
    calls: list[dict[str, Any]] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            known = {f"/trunkline/v1/Calls/{one['sid']}": one for one in calls}
            known["/trunkline/v1/Calls"] = {"meta": {"key": "calls", "next_page_url": None}, "calls": calls}
            answer = json.dumps(known.get(path, {"code": 20404, "message": "not found", "status": 404})).encode()
            self.send_response(200 if path in known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    account = {"account_sid": "AC" + "0" * 32, "auth_token": "0" * 32, "api_url": url}
    (tmp_path / "account.json").write_text(json.dumps(account))

    def run(*there: dict[str, Any]) -> Result:
        calls[:] = there
        return CliRunner().invoke(cli, ["explain", "--home", str(tmp_path)])

    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield run
    server.shutdown()
    server.server_close()


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
