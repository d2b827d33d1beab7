"""`trunkline call` names the record of its call, so that it can be explained next."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from call_log_server import call, serving
from click.testing import CliRunner

from trunkline.cli import call_log, call_request
from trunkline.cli.main import cli
from trunkline.settings import Settings
from trunkline.testbench.call import explain
from trunkline.testbench.result import Answer, CallResult

SID = call(1, "busy")["sid"]


def place_with(monkeypatch, home, *options: str, **fields: Any):
    """Runs the command; the call itself has this result."""
    given = {"sip_status": 486, "answers": (Answer(0.1, 486, "Busy Here"),)} | fields
    result = CallResult("id-1", "sip:+1@x", "127.0.0.1:5060;transport=udp", "+2", True, **given)
    monkeypatch.setattr(call_request, "place", lambda *_: explain(result, expect_tone=False))
    return CliRunner().invoke(cli, ["call", "+15550100486", "--home", str(home), *options])


def test_the_record_is_named(monkeypatch, tmp_path):
    with serving(tmp_path, [call(2, "busy"), call(1, "busy")]):
        done = place_with(monkeypatch, tmp_path)
        as_json = place_with(monkeypatch, tmp_path, "--json")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == f"Its record: trunkline explain {SID} --home {tmp_path}"
    shown = json.loads(as_json.stdout)
    assert shown["sid"] == SID
    assert {"ok", "explanation", "result"} < shown.keys(), "as before"


@pytest.mark.parametrize("fields", [{"sip_status": None, "answers": ()}, {"sip_status": 407}])
def test_what_the_trunk_has_no_record_of_is_not_looked_for(monkeypatch, tmp_path, fields):
    with serving(tmp_path, [call(1, "busy")]) as asked:
        done = place_with(monkeypatch, tmp_path, **fields)
        assert json.loads(place_with(monkeypatch, tmp_path, "--json", **fields).stdout)["sid"] is None
    assert done.exit_code == 1
    assert "explain" not in done.stdout
    assert asked == []


def test_without_a_node_there_is_no_sid_and_no_error(monkeypatch, tmp_path):
    done = place_with(monkeypatch, tmp_path, "--via", "sip:192.0.2.1")
    assert (done.exit_code, done.stderr) == (1, "")
    assert "explain" not in done.stdout
    account = {"account_sid": "AC" + "0" * 32, "auth_token": "0" * 32, "api_url": "http://127.0.0.1:9"}
    for text in (json.dumps(account), "[]", "{}", "x"):
        (tmp_path / "account.json").write_text(text)
        assert place_with(monkeypatch, tmp_path).stderr == ""


def test_a_record_that_is_late_is_waited_for(tmp_path):
    log: list[dict[str, Any]] = []
    with serving(tmp_path, log) as asked:

        def come() -> None:
            while len(asked) < 3:
                time.sleep(0.01)
            log.append(call(1, "busy"))

        late = threading.Thread(target=come)
        late.start()
        assert call_log.sid_of(Settings(tmp_path), "id-1", within=20) == SID
        late.join()
        assert len(asked) >= 3
        assert call_log.sid_of(Settings(tmp_path), "id-2", within=0.2) is None


def test_a_call_with_a_fault_has_a_record_too(monkeypatch, tmp_path):
    outcome = {"call_id": "id-1", "sip_status": 200, "ended_by": ""}
    monkeypatch.setattr(call_request, "faulty", lambda *_: dict(outcome))
    asked = ["call", "+15550100486", "--fault", "loss", "--home", str(tmp_path)]
    with serving(tmp_path, [call(1, "completed")]):
        done = CliRunner().invoke(cli, asked)
        shown = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).stdout)
    told = f"call id id-1, sip status 200\nIts record: trunkline explain {SID} --home {tmp_path}\n"
    assert (done.exit_code, done.stdout) == (0, told)
    assert shown == outcome | {"sid": SID}
    monkeypatch.setattr(call_request, "faulty", lambda *_: {"handshake": "refused"})
    assert CliRunner().invoke(cli, asked).stdout == "handshake refused\n"
