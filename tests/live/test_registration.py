"""PBXs that register: where they are is kept, calls for the trunk's numbers find them there, and one that vanishes does
not keep a call from the next place. That registrations outlive a killed Kamailio is in test_survival.py.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from demo_carrier import DemoCarrier, add_url, complaints
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import Credentials, PlainSip, Reply, own_address

from trunkline.testbench.pbx import PbxProcess

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def spare() -> Iterator[PbxProcess]:
    """The PBX of the origination URL."""
    with PbxProcess() as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


def taking(node: LiveNode, **settings: Any) -> LiveTrunk:
    """A trunk that takes registrations."""
    return node.make_trunk(Registration="allowed", **settings)


def pbx_with_tls(node: LiveNode, *options: str) -> PbxProcess:
    tls = node.settings.tls_dir
    return PbxProcess(*options, "--tls-port", "0", "--tls-cert", f"{tls}/cert.pem", "--tls-key", f"{tls}/key.pem")


def register(sip: PlainSip, trunk: LiveTrunk, contact: str | None = None, **headers: str) -> Reply:
    """`contact` None: the socket's own, "": none at all."""
    own = Credentials(trunk.username, trunk.password)
    more = dict(headers) if contact is None else {"Contact": contact, **headers}
    return sip.register(trunk.domain_name, trunk.username, credentials=own, headers=more)


def contacts(reply: Reply) -> list[str]:
    """The URIs that an answer lists."""
    return [value.partition("<")[2].partition(">")[0] for value in reply.sip.every("Contact")]


def shown(node: LiveNode, trunk: LiveTrunk) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = node.api.get(f"/trunkline/v1/Trunks/{trunk.sid}/Registrations")["registrations"]
    return rows


def log_of(node: LiveNode, *words: str) -> list[str]:
    lines = (json.loads(line)["message"] for line in node.settings.log_file.read_text().splitlines())
    return [line for line in lines if all(word in line for word in words)]


def tried(record: Any) -> list[tuple[str, str, int | None]]:
    return [(row["target_sid"], row["outcome"], row["sip_status"]) for row in record["attempts"]]


# ---- calls to registered PBXs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", [False, True], ids=["reachable", "behind NAT"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_call_comes_over_the_flow_of_the_registration(
    node: LiveNode, carrier: DemoCarrier, transport: str, nat: bool
) -> None:
    trunk = taking(node)
    with pbx_with_tls(node, *(["--public-host", "10.9.8.7"] if nat else [])) as pbx:
        pbx.behave("answer", media="tone:700")
        outcome = pbx.register(node.sip_uri(transport), trunk.domain_name, trunk.username, trunk.password)
        assert (outcome["statuses"], outcome["credentials_sent"]) == ([401, 200], True)
        (row,) = shown(node, trunk)
        assert row["source"].startswith(f"{transport}:127.0.0.1:")
        result = carrier.call(carrier.plan(trunk.number, seconds=1.5, listen_hz=700.0))
        assert (result.sip_status, result.ended_by) == (200, "caller")
        assert result.media.tone is not None
        assert result.media.tone.heard
        (seen,) = pbx.seen()
        # The number is in the Request-URI, and nothing in it tells of the flow.
        assert seen.called == trunk.number
        assert seen.source.startswith(f"{transport}:")
        assert "alias" not in seen.ruri
        record = node.record(result.call_id)
        assert tried(record) == [(trunk.sid, "answered", 200)]
        assert record["pdd_ms"] < 400
        assert complaints(node, result.call_id) == []
        pbx.unregister(node.sip_uri(transport), trunk.domain_name, trunk.username, trunk.password)
    assert shown(node, trunk) == []
    assert log_of(node, "registered: " + trunk.sid)
    assert log_of(node, "no longer registered: " + trunk.sid)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_call_that_is_given_up_and_one_that_is_refused(node: LiveNode, carrier: DemoCarrier, transport: str) -> None:
    """CANCEL, and the ACK to a refusal, have to find the same connection."""
    trunk = taking(node)
    with pbx_with_tls(node, "--public-host", "10.9.8.7") as pbx:
        pbx.register(node.sip_uri(transport), trunk.domain_name, trunk.username, trunk.password)
        pbx.behave("ring")
        given_up = carrier.call(carrier.plan(trunk.number, cancel_after=0.5))
        assert (given_up.sip_status, given_up.ended_by) == (487, "caller")
        pbx.behave("refuse", sip_status=486)
        busy = carrier.call(carrier.plan(trunk.number))
        assert busy.sip_status == 486
        pbx.wait_until(lambda: [call.ended for call in pbx.seen()] == [True, True], "the end of both at the PBX")
        assert tried(node.record(busy.call_id)) == [(trunk.sid, "failed", 486)]
        assert tried(node.record(given_up.call_id))[0][:2] == (trunk.sid, "canceled")
    assert complaints(node, busy.call_id) == []


def test_a_secure_trunk_takes_registrations_by_tls_alone(node: LiveNode, carrier: DemoCarrier, raw: PlainSip) -> None:
    trunk = taking(node, secure=True)
    refused = register(raw, trunk)
    assert (refused.status, (refused.twilio_error or "")[:5]) == (403, "32209")
    with pbx_with_tls(node) as pbx:
        assert pbx.register(node.sip_uri("tls"), trunk.domain_name, trunk.username, trunk.password)["sip_status"] == 200
        result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
        assert result.sip_status == 200
        (seen,) = pbx.seen()
        assert (seen.source[:4], seen.secure) == ("tls:", True)
        assert tried(node.record(result.call_id)) == [(trunk.sid, "answered", 200)]


def test_contacts_are_tried_by_q_and_then_the_urls(
    node: LiveNode, carrier: DemoCarrier, spare: PbxProcess, raw: PlainSip
) -> None:
    trunk = taking(node)
    url = add_url(node, trunk, spare.sip_uri)
    node.wait_published()
    spare.behave("answer", media="echo")
    with PbxProcess() as good, PbxProcess() as better:
        good.behave("refuse", sip_status=503)
        better.behave("refuse", sip_status=480)
        listed = ", ".join(
            f"<sip:pbx@{agent.sip_uri.removeprefix('sip:').partition(';')[0]}>;q={q}"
            for agent, q in ((good, 0.3), (better, 0.9))
        )
        answer = register(raw, trunk, listed)
        assert (answer.status, len(contacts(answer))) == (200, 2)
        assert [row["q"] for row in shown(node, trunk)] == [0.9, 0.3]
        result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
        assert result.sip_status == 200
        record = node.record(result.call_id)
        assert tried(record) == [(trunk.sid, "failed", 480), (trunk.sid, "failed", 503), (url, "answered", 200)]
        assert [alert["error_code"] for alert in record["alerts"]] == [32011, 32011]
        assert [len(agent.seen()) for agent in (better, good)] == [1, 1]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_pbx_that_vanished_does_not_keep_the_call(
    node: LiveNode, carrier: DemoCarrier, spare: PbxProcess, transport: str
) -> None:
    trunk = taking(node)
    url = add_url(node, trunk, spare.sip_uri)
    node.wait_published()
    spare.behave("answer", media="echo")
    gone = pbx_with_tls(node)
    with gone:
        assert gone.register(node.sip_uri(transport), trunk.domain_name, trunk.username, trunk.password)
        os.kill(gone.pid, signal.SIGKILL)
    assert len(shown(node, trunk)) == 1
    result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
    assert result.sip_status == 200
    record = node.record(result.call_id)
    assert [(sid, outcome) for sid, outcome, _ in tried(record)] == [(trunk.sid, "failed"), (url, "answered")]
    took = (record["answered_us"] - record["started_us"]) / 1e6
    # Nothing tells that a UDP port is closed but the lack of an answer; a connection is refused at once.
    assert took < (4.8 if transport == "udp" else 1.0), f"{took:.2f} s"


# ---- REGISTER itself ------------------------------------------------------------------------------------------------


def test_asking_replacing_and_removing(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    assert contacts(register(raw, trunk, "")) == []
    assert contacts(register(raw, trunk, "<sip:a@192.0.2.1>")) == ["sip:a@192.0.2.1"]
    assert len(contacts(register(raw, trunk, "<sip:b@192.0.2.2>;q=0.5", Expires="120"))) == 2
    asked = register(raw, trunk, "")
    assert contacts(asked) == ["sip:a@192.0.2.1", "sip:b@192.0.2.2"]
    first, second = asked.sip.every("Contact")
    assert int(first.partition("expires=")[2].partition(";")[0]) in range(3590, 3601)
    assert int(second.partition("expires=")[2].partition(";")[0]) in range(110, 121)
    assert second.endswith(";q=0.5")
    assert contacts(register(raw, trunk, "<sip:a@192.0.2.1>;expires=0")) == ["sip:b@192.0.2.2"]
    assert contacts(register(raw, trunk, "*", Expires="0")) == []
    short = register(raw, trunk, "<sip:a@192.0.2.1>", Expires="30")
    assert (short.status, short.reason, short.sip.first("Min-Expires")) == (423, "Interval Too Brief", "60")
    broken = register(raw, trunk, "*")
    assert (broken.status, broken.twilio_error) == (400, "32112 Malformed request: Contact * needs Expires 0")
    assert contacts(register(raw, trunk, "")) == []


def test_a_wrong_password_registers_nothing(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    reply = raw.register(trunk.domain_name, trunk.username, credentials=Credentials(trunk.username, "Wrong1Password"))
    assert (reply.challenge and reply.challenge.sip_status, reply.status) == (401, 403)
    assert reply.twilio_error is not None
    assert reply.twilio_error.startswith("32202")
    (alert,) = wait_for(
        lambda: [row for row in node.api.alerts(most=100) if row["service_sid"] == trunk.sid], "the alert"
    )
    assert alert["error_code"] == "32202"
    assert shown(node, trunk) == []


def test_an_answer_counts_once(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    kept: dict[str, str] = {}
    own = Credentials(trunk.username, trunk.password)
    assert raw.register(trunk.domain_name, trunk.username, credentials=own, keep=kept).status == 200
    again = raw.register(trunk.domain_name, trunk.username, headers={**kept, "Contact": "<sip:thief@192.0.2.66>"})
    assert (again.status, "stale=true" in again.sip.first("WWW-Authenticate")) == (401, True)
    assert [row["contact"] for row in shown(node, trunk)] == [f"sip:plain@{raw.source}:{raw.port}"]


def test_the_trunk_is_found_at_the_global_endpoint_by_the_user_name(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    own = Credentials(trunk.username, trunk.password)
    assert raw.register("pstn.twilio.com", trunk.username, credentials=own).status == 200
    assert [row["contact"] for row in shown(node, trunk)] == [f"sip:plain@{raw.source}:{raw.port}"]
    other = node.make_trunk()
    refused = raw.register("pstn.twilio.com", other.username, credentials=Credentials(other.username, other.password))
    assert (refused.status, refused.twilio_error) == (403, "32210 REGISTER is not supported on a trunk")


def test_the_access_list_comes_first(node: LiveNode) -> None:
    inside, outside = own_address(), own_address()
    trunk = taking(node, acl=f"{inside}/32")
    with PlainSip(node.host, node.sip_port, source=outside) as stranger:
        refused = stranger.register(trunk.domain_name, trunk.username)
        assert (refused.status, (refused.twilio_error or "")[:5]) == (403, "32201")
    with PlainSip(node.host, node.sip_port, source=inside) as pbx:
        answer = register(pbx, trunk)
        assert (answer.challenge is not None, answer.status) == (True, 200)


def test_switched_off_again(node: LiveNode, carrier: DemoCarrier, raw: PlainSip) -> None:
    trunk = taking(node)
    assert register(raw, trunk).status == 200
    node.api.post(f"/trunkline/v1/Trunks/{trunk.sid}", Registration="refused")
    node.wait_published()
    assert (register(raw, trunk).status, register(raw, trunk).twilio_error) == (
        403,
        "32210 REGISTER is not supported on a trunk",
    )
    result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
    record = node.record(result.call_id)
    assert (record["attempts"], record["cause"]) == ([], "NO_ORIGINATION_URL")


# ---- time, NAT, restarts --------------------------------------------------------------------------------------------


def test_a_registration_expires(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    assert register(raw, trunk, Expires="60").status == 200
    with sqlite3.connect(node.settings.registrations_db, timeout=5) as file:  # a minute goes by
        file.execute("UPDATE contacts SET until = ? WHERE trunk_sid = ?", (time.time() - 1, trunk.sid))
    assert shown(node, trunk) == []
    assert contacts(register(raw, trunk, "")) == []
    wait_for(lambda: log_of(node, "registration expired", trunk.sid), "the line in the log", within=5)


def test_a_nat_is_kept_open(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    assert register(raw, trunk, f"<sip:pbx@10.1.2.3:{raw.port}>").status == 200
    assert [row["behind_nat"] for row in shown(node, trunk)] == [True]
    raw._socket.settimeout(5)
    knock = raw._socket.recv(65535).decode()
    assert knock.startswith(f"OPTIONS sip:keep-alive@10.1.2.3:{raw.port};transport=udp SIP/2.0\r\n")
    # From the port that the NAT knows: the socket is connected to it, and hears no other.
    assert register(raw, trunk, "*", Expires="0").status == 200


def test_status_shows_who_is_registered(node: LiveNode, raw: PlainSip) -> None:
    trunk = taking(node)
    assert register(raw, trunk).status == 200
    said = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", "status"],
        env=node.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    (line,) = [line for line in said.splitlines() if trunk.sid in line]
    assert line.startswith(f"registered   {trunk.sid} at sip:plain@127.0.0.1:{raw.port} from udp:127.0.0.1:{raw.port}")
