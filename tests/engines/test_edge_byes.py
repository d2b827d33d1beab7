"""The BYEs that a SIP worker sends by itself, from the words that kamailio.cfg keeps."""

from __future__ import annotations

import socket

import pytest

from trunkline.core.edge_bye import CSEQ
from trunkline.engines.kamailio.no_ack import end_unacknowledged, end_where_refused
from trunkline.testbench.sip_text import SipText, parse_sip

TOKEN = "0" * 32 + ".p.1800000000"


@pytest.mark.parametrize("call_id", ["plain", "with blanks  in it"])
def test_of_a_call_whose_ack_never_came(call_id: str) -> None:
    caller, callee = sent(end_unacknowledged, f"{TOKEN} leg-of-caller leg-of-callee tag-b {call_id} tag-a", 2)
    assert [callee.ruri.partition("tl=")[2], caller.ruri.partition("tl=")[2]] == ["leg-of-caller", "leg-of-callee"]
    for bye, tags in ((caller, ("tag-a", "tag-b")), (callee, ("tag-b", "tag-a"))):
        assert (bye.method, bye.first("Call-ID"), bye.first("CSeq")) == ("BYE", call_id, f"{CSEQ} BYE")
        assert (bye.first("From").partition("tag=")[2], bye.first("To").partition("tag=")[2]) == tags


@pytest.mark.parametrize("call_id", ["plain", "with blanks  in it"])
def test_of_one_that_was_refused(call_id: str) -> None:
    (bye,) = sent(end_where_refused, f"leg tag-a tag-b {call_id}", 1)
    assert (bye.method, bye.first("Call-ID"), bye.first("CSeq")) == ("BYE", call_id, f"{CSEQ} BYE")
    assert bye.ruri.endswith(";tl=leg")


def sent(end: object, facts: str, count: int) -> list[SipText]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as edge:
        edge.bind(("127.0.0.1", 0))
        edge.settimeout(5)
        end(edge.getsockname(), facts)  # type: ignore[operator]
        return [parse_sip(edge.recv(65535).decode()) for _ in range(count)]
