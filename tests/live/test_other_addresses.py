"""Several addresses behind the name of one origination URL or carrier target (RFC 3263 section 4.3): the next one is
tried where nobody is at the first, and only there.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from demo_carrier import DemoCarrier, add_url
from dns_records import DnsRecords, name_of
from live_node import LiveNode

from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import CallResult

pytestmark = pytest.mark.live

NOTHING_CAME = 4.0


class Two:
    """Two PBXs. `rang`: how many calls each has got since `before`."""

    def __init__(self, first: PbxProcess, second: PbxProcess) -> None:
        self.agents = (first, second)

    def before(self, **first_does: Any) -> None:
        first, second = self.agents
        first.behave(first_does.pop("kind", "refuse"), **first_does)
        second.behave("answer", media="echo")
        self._seen = [len(agent.seen()) for agent in self.agents]

    @property
    def rang(self) -> list[int]:
        return [len(agent.seen()) - seen for agent, seen in zip(self.agents, self._seen, strict=True)]

    def ports(self, transport: str) -> list[int]:
        return [port_of(agent, transport) for agent in self.agents]


def port_of(pbx: PbxProcess, transport: str) -> int:
    return int(pbx.uri(transport).partition(";")[0].rpartition(":")[2])


def closed(transport: str, host: str = "127.0.0.1") -> int:
    """A port where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def two(node: LiveNode) -> Iterator[Two]:
    folder = node.settings.tls_dir
    tls = ["--tls-port", "0", "--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    with PbxProcess(*tls) as first, PbxProcess(*tls) as second:
        yield Two(first, second)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr() + second.stderr()


@pytest.fixture
def dns(node: LiveNode) -> DnsRecords:
    return DnsRecords(node)


def called(node: LiveNode, carrier: DemoCarrier, *urls: str) -> tuple[CallResult, list[dict[str, Any]], list[str]]:
    """A call from the PSTN for a trunk with these URLs, in this order: its result, its attempts, the URLs' SIDs."""
    trunk = node.make_trunk(credentials=False)
    sids = [add_url(node, trunk, url, priority=n) for n, url in enumerate(urls)]
    node.wait_published()
    result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
    return result, node.record(result.call_id)["attempts"], sids


def outcomes(attempts: list[dict[str, Any]]) -> list[str]:
    return [attempt["outcome"] for attempt in attempts]


# ---- origination ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("transport", "after"), [("udp", NOTHING_CAME), ("tcp", 0.0), ("tls", 0.0)])
def test_the_second_server_takes_the_call_when_nobody_is_at_the_first(
    node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords, transport: str, after: float
) -> None:
    two.before(kind="answer")
    dead = closed(transport)
    domain = dns.domain(transport, dead, two.ports(transport)[1])
    result, attempts, sids = called(node, carrier, f"sip:{domain};transport={transport}", two.agents[0].uri("udp"))
    assert (result.sip_status, outcomes(attempts)) == (200, ["failed", "answered"]), (result, attempts)
    # Both attempts are of the first URL: the second one is for when the whole name leads nowhere.
    assert [attempt["target_sid"] for attempt in attempts] == [sids[0]] * 2
    assert two.rang == [0, 1]
    assert attempts[0]["next"].endswith(f"(at 127.0.0.1:{dead})"), attempts
    assert (attempts[1]["started_us"] - attempts[0]["started_us"]) / 1e6 == pytest.approx(after, abs=0.8)
    # The name stays in the Request-URI, and how we got there is not in it.
    assert f"@{domain};transport={transport}" in two.agents[1].seen()[-1].ruri
    assert "alias" not in two.agents[1].seen()[-1].ruri


def test_a_name_that_leads_to_a_carrier_or_home_is_passed_over(
    node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords
) -> None:
    """It would take the call from us without a question, at somebody else's expense."""
    two.before(kind="answer")
    home = dns.domain("udp", node.sip_port)
    dead, good = f"sip:127.0.0.1:{closed('tcp')};transport=tcp", two.agents[1].uri("udp")
    result, attempts, sids = called(node, carrier, f"sip:{home}", good)
    assert (result.sip_status, [attempt["target_sid"] for attempt in attempts]) == (200, [sids[1]]), attempts
    result, attempts, sids = called(node, carrier, dead, f"sip:{home}", good)
    assert (result.sip_status, [attempt["target_sid"] for attempt in attempts]) == (200, [sids[0], sids[2]]), attempts
    result, attempts, _ = called(node, carrier, f"sip:{home}")
    assert (result.sip_status, attempts) == (480, [])
    record = node.record(result.call_id)
    assert (record["cause"], record["error_code"], record["trunk_sid"] is None) == ("NO_ORIGINATION_URL", 32010, False)
    result, attempts, _ = called(node, carrier, dead, f"sip:{home}")
    assert (result.sip_status, len(attempts)) == (480, 1), attempts
    assert two.rang == [0, 2]


def test_the_second_address_of_one_host(node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords) -> None:
    two.before(kind="answer")
    host, port = name_of("twice"), two.ports("tcp")[1]
    dns("a", host, "127.0.0.77")
    dns("a", host, "127.0.0.1")
    result, attempts, _ = called(node, carrier, f"sip:{host}:{port};transport=tcp")
    assert (result.sip_status, outcomes(attempts)) == (200, ["failed", "answered"]), attempts
    assert attempts[0]["next"].endswith(f"(at 127.0.0.77:{port})")


def test_a_server_that_takes_nothing_now(node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords) -> None:
    """503 is the one answer by which a server asks for another one to be tried (RFC 3263 section 4.3)."""
    two.before(sip_status=503)
    domain = dns.domain("udp", *two.ports("udp"))
    result, attempts, sids = called(node, carrier, f"sip:{domain}")
    assert (result.sip_status, outcomes(attempts)) == (200, ["failed", "answered"])
    assert {attempt["target_sid"] for attempt in attempts} == set(sids)
    assert two.rang == [1, 1]


@pytest.mark.parametrize("status", [486, 603])
def test_who_was_busy_or_declined_is_not_rung_at_the_other_address(
    node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords, status: int
) -> None:
    two.before(sip_status=status)
    domain = dns.domain("udp", *two.ports("udp"))
    result, attempts, _ = called(node, carrier, f"sip:{domain}")
    assert (result.sip_status, outcomes(attempts), two.rang) == (status, ["failed"], [1, 0])


def test_an_answer_goes_on_to_the_next_url_and_not_to_the_other_address(
    node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords
) -> None:
    two.before(sip_status=500)
    domain = dns.domain("udp", *two.ports("udp"))
    result, attempts, sids = called(node, carrier, f"sip:{domain}", two.agents[1].uri("tcp"))
    assert (result.sip_status, outcomes(attempts)) == (200, ["failed", "answered"])
    assert [attempt["target_sid"] for attempt in attempts] == sids
    assert two.rang == [1, 1]


def test_the_second_url_is_a_name_too(node: LiveNode, carrier: DemoCarrier, two: Two, dns: DnsRecords) -> None:
    """All of the first name's addresses, and then those of the second."""
    two.before(kind="answer")
    dead = [closed("tcp") for _ in range(3)]
    names = dns.domain("tcp", *dead[:2]), dns.domain("tcp", dead[2], two.ports("tcp")[1])
    result, attempts, sids = called(node, carrier, *[f"sip:{name};transport=tcp" for name in names])
    assert (result.sip_status, outcomes(attempts)) == (200, ["failed"] * 3 + ["answered"]), attempts
    assert [attempt["target_sid"] for attempt in attempts] == [sids[0], sids[0], sids[1], sids[1]]
    for attempt, port in zip(attempts, dead, strict=False):
        assert attempt["next"].endswith(f"(at 127.0.0.1:{port})")


# ---- termination ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """Carriers are the node's: other tests would meet them."""
    with LiveNode(tmp_path_factory.mktemp("addresses") / "home", demo=False) as running:
        yield running


@pytest.fixture
def target(own_node: LiveNode) -> Iterator[Any]:
    """`target(uri)`: a carrier with this target; its SID."""
    made: list[str] = []

    def add(uri: str) -> str:
        made.append(own_node.api.post("/trunkline/v1/Carriers", FriendlyName="Named", ProbeSeconds=0)["sid"])
        sid = own_node.api.post(f"/trunkline/v1/Carriers/{made[-1]}/Targets", SipUri=uri)["sid"]
        own_node.wait_published()
        return str(sid)

    yield add
    for sid in made:
        own_node.api.delete(f"/trunkline/v1/Carriers/{sid}")
    own_node.wait_published()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_carriers_second_server(own_node: LiveNode, two: Two, target: Any, pbx: PbxProcess, transport: str) -> None:
    two.before(kind="answer")
    dead = closed(transport)
    domain = DnsRecords(own_node).domain(transport, dead, two.ports(transport)[1])
    sid = target(f"sip:{domain};transport={transport}")
    result = pbx.call(own_node.make_trunk().plan(own_node, "+15550100000", seconds=1.2))
    attempts = own_node.record(result.call_id)["attempts"]
    assert (result.sip_status, outcomes(attempts), two.rang) == (200, ["failed", "answered"], [0, 1]), attempts
    assert [attempt["target_sid"] for attempt in attempts] == [sid, sid]
    assert attempts[0]["next"].endswith(f"(at 127.0.0.1:{dead})")
    assert result.media.tone.ratio > 0.95, result


def test_a_busy_callee_is_not_rung_by_the_carriers_other_server(
    own_node: LiveNode, two: Two, target: Any, pbx: PbxProcess
) -> None:
    two.before(sip_status=486)
    target(f"sip:{DnsRecords(own_node).domain('udp', *two.ports('udp'))}")
    result = pbx.call(own_node.make_trunk().plan(own_node, "+15550100000"))
    assert (result.sip_status, two.rang) == (486, [1, 0])
    assert outcomes(own_node.record(result.call_id)["attempts"]) == ["failed"]


def test_nobody_at_any_address_of_the_only_carrier(own_node: LiveNode, two: Two, target: Any, pbx: PbxProcess) -> None:
    two.before(kind="answer")
    target(f"sip:{DnsRecords(own_node).domain('tcp', closed('tcp'), closed('tcp'))};transport=tcp")
    result = pbx.call(own_node.make_trunk().plan(own_node, "+15550100000"))
    record = own_node.record(result.call_id)
    assert (result.sip_status, record["cause"]) == (503, "CARRIERS_EXHAUSTED"), record
    assert (outcomes(record["attempts"]), two.rang) == (["failed", "failed"], [0, 0])
