"""A PBX that has moved says so by a 302: one is followed, and its own redirect is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_carrier import DemoCarrier, add_url
from live_node import LiveNode

from trunkline.testbench.pbx import PbxProcess

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
