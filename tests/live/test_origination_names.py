"""Origination URLs whose host is a name: A and SRV records, and what becomes of names that lead nowhere.

The records come from Kamailio's own DNS cache, into which its RPC writes them: no name server is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_carrier import DemoCarrier, add_url
from dns_records import DnsRecords, name_of
from live_node import LiveNode, LiveTrunk

from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import CallResult

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def answering() -> Iterator[PbxProcess]:
    with PbxProcess() as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


@pytest.fixture
def dns(node: LiveNode) -> DnsRecords:
    return DnsRecords(node)


def called(node: LiveNode, carrier: DemoCarrier, *urls: str) -> tuple[CallResult, list[str], LiveTrunk]:
    """A call for a trunk with these URLs, in this order: its result, and the outcome of each attempt."""
    trunk = node.make_trunk(credentials=False)
    for n, url in enumerate(urls):
        add_url(node, trunk, url, priority=n)
    node.wait_published()
    result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
    return result, [row["outcome"] for row in node.record(result.call_id)["attempts"]], trunk


def port_of(pbx: PbxProcess, transport: str = "udp") -> int:
    return int(pbx.uri(transport).partition(";")[0].rpartition(":")[2])


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_address_record(
    node: LiveNode, carrier: DemoCarrier, answering: PbxProcess, dns: DnsRecords, transport: str
) -> None:
    host = name_of("a")
    dns("a", host, "127.0.0.1")
    port = port_of(answering, transport)
    result, outcomes, trunk = called(node, carrier, f"sip:{host}:{port};transport={transport}")
    assert (result.sip_status, outcomes) == (200, ["answered"])
    # The name stays in the Request-URI: a PBX with several domains goes by it.
    assert answering.seen()[-1].ruri.startswith(f"sip:{trunk.number}@{host}:{port}")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_service_record_names_host_and_port(
    node: LiveNode, carrier: DemoCarrier, answering: PbxProcess, dns: DnsRecords, transport: str
) -> None:
    host, domain = name_of("a"), name_of("srv")
    dns("a", host, "127.0.0.1")
    dns("srv", f"_sip._{transport}.{domain}", 10, 10, port_of(answering, transport), host)
    result, outcomes, _ = called(node, carrier, f"sip:{domain};transport={transport}")
    assert (result.sip_status, outcomes) == (200, ["answered"])
    assert f"@{domain};transport={transport}" in answering.seen()[-1].ruri


def test_a_name_that_leads_nowhere_is_followed_by_the_next_url(
    node: LiveNode, carrier: DemoCarrier, answering: PbxProcess, dns: DnsRecords
) -> None:
    host = name_of("nowhere")
    dns("a", host, None)
    dns("aaaa", host, None)
    result, outcomes, _ = called(node, carrier, f"sip:{host}:5060", answering.sip_uri)
    assert (result.sip_status, outcomes) == (200, ["failed", "answered"])


def test_an_ipv6_address_without_ipv6_here_is_followed_by_the_next_url(
    node: LiveNode, carrier: DemoCarrier, answering: PbxProcess, dns: DnsRecords
) -> None:
    host = name_of("aaaa")
    dns("a", host, None)
    dns("aaaa", host, "::1")
    result, outcomes, _ = called(node, carrier, f"sip:{host}:5060", answering.sip_uri)
    assert (result.sip_status, outcomes) == (200, ["failed", "answered"])
