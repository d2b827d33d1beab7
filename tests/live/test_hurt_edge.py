"""Rows of the table of causes that a whole node does not reach: a carrier that hangs, a killed edge, a bug of ours."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from live_node import LiveNode, LiveTrunk, wait_for
from played_carriers import Pbx, PlayedCarrier

from trunkline.core.cause import Cause
from trunkline.engines.kamailio.routing import LOOK_EVERY
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

PDD_SECONDS = 1.0


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """A node without carriers, whose log may have a traceback in the end."""
    settings = {"TRUNKLINE_PDD_SECONDS": "1"}
    node = LiveNode(tmp_path_factory.mktemp("hurt") / "home", demo=False, environment=settings).start()
    yield node
    assert node.stop() == 0


@pytest.fixture(scope="module")
def trunk(hurt: LiveNode) -> LiveTrunk:
    return hurt.make_trunk()


def check(node: LiveNode, call_id: str, cause: Cause) -> list[str]:
    """The record and its alert, when both are there; how each attempt ended, in words."""
    record = node.record(call_id)
    assert (record["cause"], record["error_code"], record["status"]) == (cause.name, cause.code, "failed")
    alerts = [(one["error_code"], one["log_level"]) for one in record["alerts"]]
    assert alerts == ([] if cause.code is None else [(cause.code, cause.level)])
    return [attempt["next"] for attempt in record["attempts"]]


def test_a_carrier_that_says_100_and_nothing_more(hurt: LiveNode, trunk: LiveTrunk) -> None:
    """The next one is tried; the last one brings 408. What has rung may ring on, and so may what said 183."""
    with (
        PlayedCarrier(hurt, Priority=1) as first,
        PlayedCarrier(hurt, "127.0.7.4", Priority=2) as second,
        Pbx(hurt, trunk) as pbx,
    ):
        dialog = pbx.dial()
        first.respond(first.invite(), 100)
        second.respond(second.invite(), 100)
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        assert (answer.sip_status, answer.first("X-Twilio-Error")[:6]) == (408, "32016 ")
        for carrier in (first, second):
            _takes_the_cancel(carrier)
        said = "100 came back, and then nothing in time"
        assert check(hurt, dialog.call_id, Cause.PDD_TIMEOUT) == [said, f"{said}; no target is left"]

        before = len(first.received), len(second.received)
        dialog = pbx.dial()
        first.respond(first.invite(after=before[0]), 100)
        invite = second.invite(after=before[1])
        second.respond(invite, 100)
        second.respond(invite, 183, "Session Progress", tag="x")
        began = time.monotonic()
        pbx.wait(lambda m: m.sip_status == 183, "the progress")
        while time.monotonic() < began + PDD_SECONDS + 0.7:
            second.poll(0.1)
        assert not [m for m in second.received[before[1] :] if m.method == "CANCEL"], "it may take its time now"
        second.respond(invite, 486, "Busy Here", tag="x")
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        assert answer.sip_status == 486
        record = hurt.record(dialog.call_id)
        assert (record["status"], record["alerts"]) == ("busy", [])
        assert [attempt["next"] for attempt in record["attempts"]] == [said, "486: the callee is busy"]


def _takes_the_cancel(carrier: PlayedCarrier) -> SipText:
    cancel = carrier.wait_request("CANCEL")
    carrier.respond(cancel, 200)
    invite = next(m for m in carrier.received if m.method == "INVITE")
    carrier.refuse(invite, 487, "Request Terminated")
    return cancel


def test_a_call_that_rings_when_the_edge_is_killed(hurt: LiveNode, trunk: LiveTrunk) -> None:
    with PlayedCarrier(hurt) as carrier, Pbx(hurt, trunk) as pbx:
        dialog = pbx.dial()
        carrier.respond(carrier.invite(), 180, "Ringing", tag="x")
        pbx.wait(lambda m: m.sip_status == 180, "the ringing")
        (old,) = hurt.pids("kamailio")
        os.kill(old, signal.SIGKILL)
        assert check(hurt, dialog.call_id, Cause.EDGE_RESTARTED) == [""]
        wait_for(hurt.healthy, "a healthy node", within=20)


def test_a_bug_leaves_a_record(hurt: LiveNode, trunk: LiveTrunk) -> None:
    """No message is known that makes the decision fail, so its data are taken away for a moment."""
    away, (publisher,) = hurt.settings.routing_db.with_suffix(".away"), hurt.pids("publisher")
    with Pbx(hurt, trunk) as pbx:
        os.kill(publisher, signal.SIGSTOP)  # it would make them anew
        dialog = pbx.new_dialog(f"sip:+15550100000@{trunk.domain_name}", trunk.number, from_host=trunk.domain_name)
        os.rename(hurt.settings.routing_db, away)
        try:
            time.sleep(LOOK_EVERY + 0.1)  # longer than a worker goes by what it looked at last
            pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
            answer = pbx.final(dialog)
        finally:
            os.rename(away, hurt.settings.routing_db)
            os.kill(publisher, signal.SIGCONT)
        pbx.ack(dialog, answer)
        assert (answer.sip_status, answer.first("X-Twilio-Error")) == (500, "20500 Internal error")
        assert check(hurt, dialog.call_id, Cause.PLATFORM_BUG) == []
        record = hurt.record(dialog.call_id)
        assert (record["caller"], record["called"]) == (trunk.number, "+15550100000")
    assert "Traceback" in hurt.settings.log_file.read_text()
