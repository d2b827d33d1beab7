"""One call, several carriers: which failure goes on to the next and which must not (core/failover.py)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from live_node import LiveNode, LiveTrunk
from raw_sip import RawCaller

from trunkline.testbench.carrier import CarrierProcess
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import CallResult

CALLED = "+15550100000"
NOTHING_CAME = 4.0

pytestmark = pytest.mark.live


class World:
    """A node of its own, since carriers are the node's; two carriers whose behaviour each test states, and a PBX."""

    def __init__(
        self, node: LiveNode, first: PbxProcess, second: PbxProcess, silent: CarrierProcess, pbx: PbxProcess
    ) -> None:
        self.node, self.first, self.second, self.silent, self.pbx = node, first, second, silent, pbx
        self.trunk: LiveTrunk = node.make_trunk()
        self.carrier = node.api.post("/trunkline/v1/Carriers", FriendlyName="Several places")["sid"]
        self.targets: list[str] = []

    def carriers(self, *uris: str) -> None:
        """From now on these targets, in this order."""
        path = f"/trunkline/v1/Carriers/{self.carrier}/Targets"
        for sid in self.targets:
            self.node.api.delete(f"{path}/{sid}")
        self.targets = [self.node.api.post(path, SipUri=uri, Priority=n)["sid"] for n, uri in enumerate(uris)]
        self.node.wait_published()

    def call(self, **plan: Any) -> tuple[CallResult, dict[str, Any]]:
        """A call to the carriers, and its record."""
        self.seen_before = {agent: len(agent.seen()) for agent in (self.first, self.second)}
        result = self.pbx.call(self.trunk.plan(self.node, CALLED, **plan))
        return result, self.node.record(result.call_id)

    def rang(self, agent: PbxProcess) -> int:
        """How many INVITEs of this call reached that carrier."""
        return len(agent.seen()) - self.seen_before[agent]


def tls_options(node: LiveNode) -> list[str]:
    """A TLS port, with the node's own certificate."""
    folder = node.settings.tls_dir
    return ["--tls-port", "0", "--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        LiveNode(tmp_path_factory.mktemp("failover") / "home", demo=False) as node,
        PbxProcess(*tls_options(node)) as first,
        PbxProcess() as second,
        CarrierProcess() as silent,
        PbxProcess() as pbx,
    ):
        yield World(node, first, second, silent, pbx)
    for agent in (first, second, silent, pbx):
        assert agent.returncode == 0, agent.stderr()


@pytest.fixture(autouse=True)
def _both_answer(world: World) -> None:
    for agent in (world.first, world.second):
        agent.behave("answer", media="echo")


def closed(kind: int) -> str:
    """A port of this machine where nobody listens."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def outcomes(record: dict[str, Any]) -> list[tuple[str, int | None]]:
    return [(attempt["outcome"], attempt["sip_status"]) for attempt in record["attempts"]]


def assert_audio(result: CallResult, record: dict[str, Any]) -> None:
    """The media of the attempt that won is the caller's: nothing of the others is left in it."""
    assert result.media.tone.ratio > 0.95, result
    assert result.media.tone.tone_seconds > 0.9, result
    assert record["customer_side"]["packets"] == pytest.approx(result.media.rtp_sent, abs=5)
    assert record["carrier_side"]["packets"] == pytest.approx(result.media.rtp_received, abs=5)


# ---- a target that is dead ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "after"),
    [("silent", NOTHING_CAME), ("udp port closed", NOTHING_CAME), ("tcp refused", 0.0), ("tls refused", 0.0)],
)
def test_the_next_answers_when_the_first_is_dead(world: World, kind: str, after: float) -> None:
    dead = {
        "silent": world.silent.silent_uri,
        "udp port closed": f"sip:{closed(socket.SOCK_DGRAM)};transport=udp",
        "tcp refused": f"sip:{closed(socket.SOCK_STREAM)};transport=tcp",
        "tls refused": f"sip:{closed(socket.SOCK_STREAM)};transport=tls",
    }[kind]
    world.carriers(dead, world.second.uri("udp"))
    result, record = world.call(seconds=1.5)
    assert result.sip_status == 200, result
    assert result.timeline.answered == pytest.approx(after, abs=0.8), result
    assert [outcome for outcome, _ in outcomes(record)] == ["failed", "answered"], record["attempts"]
    assert [attempt["target_sid"] for attempt in record["attempts"]] == world.targets
    failed, answered = record["attempts"]
    assert (answered["started_us"] - failed["started_us"]) / 1e6 == pytest.approx(after, abs=0.8)
    assert failed["ended_us"] <= answered["started_us"] + 1000
    assert record["status"] == "completed"
    assert record["pdd_ms"] == pytest.approx(1000 * after, abs=800)
    assert world.rang(world.second) == 1
    assert_audio(result, record)


def test_a_dead_one_in_the_middle(world: World) -> None:
    """Attempts that fail in both ways, by an answer and by a connection, leave no trace in the one that wins."""
    refused = f"sip:{closed(socket.SOCK_STREAM)};transport=tcp"
    world.carriers(refused, world.first.uri("udp"), refused, world.second.uri("tcp"))
    world.first.behave("refuse", sip_status=503)
    result, record = world.call(seconds=1.2)
    assert result.sip_status == 200, result
    assert [outcome for outcome, _ in outcomes(record)] == ["failed"] * 3 + ["answered"], record["attempts"]
    assert [attempt["n"] for attempt in record["attempts"]] == [0, 1, 2, 3]
    assert_audio(result, record)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_carriers_by_stream(world: World, transport: str) -> None:
    """A carrier over TCP or TLS takes the call; its BYE comes back the same way."""
    world.carriers(world.first.uri(transport))
    world.first.behave("answer", media="tone:440", hang_up_after=1.5)
    result, record = world.call(seconds=None, listen_hz=440.0)
    assert (result.sip_status, result.ended_by) == (200, "callee"), result
    assert_audio(result, record)
    assert record["ended_by"] == "callee"
    assert world.first.seen()[-1].source.startswith(f"{transport}:")


# ---- a carrier that answers with a failure --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [486, 603, 404, 480, 484, 410, 488, 415, 400, 600])
def test_the_callees_own_word_ends_it(world: World, status: int) -> None:
    """A busy, declining or unknown callee is not rung again through the next carrier."""
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=status)
    result, record = world.call()
    assert result.sip_status == status, result
    assert outcomes(record) == [("failed", status)]
    assert (world.rang(world.first), world.rang(world.second)) == (1, 0)
    assert record["ended_by"] == "callee"


@pytest.mark.parametrize("status", [503, 500, 502, 504, 403, 401, 407, 408])
def test_a_carriers_own_failure_goes_on(world: World, status: int) -> None:
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=status)
    result, record = world.call(seconds=1.2)
    assert result.sip_status == 200, result
    assert outcomes(record) == [("failed", status), ("answered", 200)]
    assert result.timeline.answered < 1.0
    assert (world.rang(world.first), world.rang(world.second)) == (1, 1)
    assert_audio(result, record)


def test_ringing_and_then_503(world: World) -> None:
    """The first carrier rang and gave up: the next may ring, and the caller keeps hearing it ring."""
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=503, ring=True, refuse_after=0.5)
    world.second.behave("answer", media="echo", answer_after=0.5)
    result, record = world.call(seconds=1.2)
    assert result.sip_status == 200, result
    assert [attempt["ringing_us"] is not None for attempt in record["attempts"]] == [True, True]
    assert_audio(result, record)


def test_early_media_and_then_503(world: World) -> None:
    """The caller has heard something: nobody else is asked."""
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=503, early_media="tone:440", refuse_after=0.8)
    result, record = world.call(media="tone:440")
    assert result.sip_status == 503, result
    assert result.media.early_tone.ratio > 0.9, result
    assert outcomes(record) == [("failed", 503)]
    assert "early media" in record["attempts"][0]["next"]
    assert world.rang(world.second) == 0


# ---- nothing is left ------------------------------------------------------------------------------------------------


def test_all_carriers_are_dead(world: World) -> None:
    world.carriers(f"sip:{closed(socket.SOCK_STREAM)};transport=tcp", world.silent.silent_uri, world.first.uri("udp"))
    world.first.behave("refuse", sip_status=503)
    result, record = world.call()
    assert result.sip_status == 503, result
    assert result.timeline.ended == pytest.approx(NOTHING_CAME, abs=0.8)
    assert (record["status"], record["sip_status"], record["cause"]) == ("failed", 503, "CARRIERS_EXHAUSTED"), record
    assert [attempt["target_sid"] for attempt in record["attempts"]] == world.targets
    assert [outcome for outcome, _ in outcomes(record)] == ["failed"] * 3
    assert all(attempt["next"] for attempt in record["attempts"])
    assert record["ended_by"] == "edge"


def test_the_only_carrier_refuses_connections(world: World) -> None:
    world.carriers(f"sip:{closed(socket.SOCK_STREAM)};transport=tcp")
    result, record = world.call()
    assert (result.sip_status, record["cause"], record["sip_status"]) == (503, "CARRIERS_EXHAUSTED", 503), (
        result,
        record,
    )
    assert [outcome for outcome, _ in outcomes(record)] == ["failed"]


def test_no_carrier_at_all(world: World) -> None:
    world.carriers()
    result, record = world.call()
    assert (result.sip_status, record["cause"]) == (503, "NO_CARRIER"), (result, record)
    assert record["attempts"] == []


def test_the_last_answer_is_given(world: World) -> None:
    """A busy callee behind the second carrier: its own words reach the caller, those of the first carrier do not."""
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=403)
    world.second.behave("refuse", sip_status=486)
    result, record = world.call()
    assert (result.sip_status, result.reason_header) == (486, "Q.850;cause=17"), result
    assert outcomes(record) == [("failed", 403), ("failed", 486)]
    assert (record["status"], record["q850_cause"], record["ended_by"]) == ("busy", 17, "callee")


def test_the_best_answer_is_given(world: World) -> None:
    """500 from one, 403 from the other: 500 it is (RFC 3261 section 16.7), for the 403 was meant for us."""
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=500)
    world.second.behave("refuse", sip_status=403)
    result, record = world.call()
    assert result.sip_status == 500, result
    assert outcomes(record) == [("failed", 500), ("failed", 403)]


# ---- the caller gives up --------------------------------------------------------------------------------------------


def test_cancelled_while_the_second_rings(world: World) -> None:
    world.carriers(world.first.uri("udp"), world.second.uri("udp"))
    world.first.behave("refuse", sip_status=503)
    world.second.behave("ring")
    result, record = world.call(cancel_after=1.0)
    assert (result.sip_status, result.ended_by) == (487, "caller"), result
    assert outcomes(record) == [("failed", 503), ("canceled", 487)]
    assert record["status"] == "canceled"
    assert world.second.seen()[-1].cancelled


def test_cancelled_before_anything_came(world: World) -> None:
    """The silent one cannot be cancelled yet (RFC 3261 section 9.1). When its time is over, the next must not ring."""
    world.carriers(world.silent.silent_uri, world.second.uri("udp"))
    rang_before = len(world.second.seen())
    with RawCaller(world.node) as caller:
        invite = caller.authorized(world.trunk, CALLED)
        caller.send(invite)
        caller.wait(lambda message: message.sip_status == 100)
        caller.send(caller.cancel(invite))
        assert caller.wait(lambda message: message.method == "CANCEL").sip_status == 200
        answer = caller.wait(
            lambda message: message.method == "INVITE" and message.sip_status >= 200 and message.sip_status != 407
        )
        assert answer.sip_status == 487, answer
        record = world.node.record(caller.call_id)
    assert (record["status"], record["sip_status"], record["ended_by"]) == ("canceled", 487, "caller"), record
    assert [outcome for outcome, _ in outcomes(record)] == ["canceled"]
    assert len(world.second.seen()) == rang_before
