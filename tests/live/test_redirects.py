"""A PBX that has moved says so by a 302: one is followed, and its own redirect is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_carrier import DemoCarrier, add_url
from live_node import LiveNode, LiveTrunk

from trunkline.testbench.pbx import PbxProcess

ECHO = "+15550100000"

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PbxProcess, PbxProcess]]:
    with PbxProcess() as moved, PbxProcess() as new:
        yield moved, new
    assert (moved.returncode, new.returncode) == (0, 0)


def redirect(pbx: PbxProcess, to: PbxProcess, user: str) -> None:
    place = to.sip_uri.removeprefix("sip:").partition(";")[0]
    pbx.behave("refuse", sip_status=302, headers={"Contact": f"<sip:{user}@{place}>"})


def test_a_redirect_is_followed_once(node: LiveNode, carrier: DemoCarrier, pair: tuple[PbxProcess, PbxProcess]) -> None:
    moved, new = pair
    trunk = node.make_trunk(credentials=False)
    url = add_url(node, trunk, moved.sip_uri, priority=10)
    node.wait_published()
    redirect(moved, new, "reception")
    new.behave("answer", media="echo")
    result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
    assert result.sip_status == 200
    assert any(call.ruri.startswith("sip:reception@") for call in new.seen())
    record = node.record(result.call_id)
    assert [(a["target_sid"], a["sip_status"], a["outcome"]) for a in record["attempts"]] == [
        (url, 302, "failed"),
        (url, 200, "answered"),
    ]
    assert record["alerts"] == []

    redirect(new, moved, "loop")
    result = carrier.call(carrier.plan(trunk.number, seconds=0.5))
    record = node.record(result.call_id)
    assert [a["sip_status"] for a in record["attempts"]] == [302, 302]
    assert {alert["error_code"] for alert in record["alerts"]} == {32010, 32011}


def test_no_way_from_an_origination_url_to_the_pstn(
    node: LiveNode, carrier: DemoCarrier, pair: tuple[PbxProcess, PbxProcess]
) -> None:
    """To the carrier, or to a trunk that lets this machine in: by a URL, and by the redirect of a PBX."""
    (pbx, _), victim = pair, node.make_trunk(credentials=False, acl="127.0.0.1/32")
    thief = node.make_trunk(credentials=False)
    ((_, targets),) = _carriers(node)
    ways = [f"{node.host}:{node.sip_port}", *(uri.removeprefix("sip:").partition(";")[0] for uri in targets)]
    assert len(ways) > 1
    try:
        for way in ways:
            assert _attempts(node, carrier, thief, victim, pbx, way) == [302], way
    finally:
        # It would take every call that comes to this node from 127.0.0.1.
        node.api.delete(f"/v1/Trunks/{victim.sid}")
        node.wait_published()


def _attempts(
    node: LiveNode, carrier: DemoCarrier, thief: LiveTrunk, victim: LiveTrunk, pbx: PbxProcess, way: str
) -> list[int]:
    """The statuses of all attempts: by the redirect of a PBX to `way`, and by a URL that leads there."""
    # Asked for from a number of the victim's, as the one who calls can choose it.
    plan = carrier.plan(thief.number, caller=victim.number, seconds=0.3)
    pbx.behave("refuse", sip_status=302, headers={"Contact": f"<sip:{ECHO}@{way}>"})
    seen: list[int] = []
    for uri in (pbx.sip_uri, f"sip:{ECHO}@{way}"):
        url = add_url(node, thief, uri, priority=10)
        node.wait_published()
        record = node.record(carrier.call(plan).call_id)
        seen += [attempt["sip_status"] for attempt in record["attempts"]]
        node.api.delete(f"/v1/Trunks/{thief.sid}/OriginationUrls/{url}")
    assert record["cause"] == "NO_ORIGINATION_URL"
    stolen = [call for call in node.api.list("/trunkline/v1/Calls", most=50) if call["trunk_sid"] == victim.sid]
    assert stolen == []
    return seen


def _carriers(node: LiveNode) -> list[tuple[str, list[str]]]:
    """SIDs and the URIs of their targets."""
    carriers = [row["sid"] for row in node.api.list("/trunkline/v1/Carriers")]
    return [
        (sid, [row["sip_uri"] for row in node.api.list(f"/trunkline/v1/Carriers/{sid}/Targets")]) for sid in carriers
    ]
