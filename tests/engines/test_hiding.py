"""Where the later requests of a dialog go: to the sender's own route set, unless it leads into our own network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from trunkline.core.hidden_leg import unseal
from trunkline.engines.kamailio.hiding import Hiding, OwnAddresses
from trunkline.engines.kamailio.ksr import Arrived

KEY = b"k" * 32
TOKEN = "0" * 32 + ".p." + "1" * 10
OWN = OwnAddresses(
    ("203.0.113.5:5060",) * 2, ("203.0.113.5:5061;transport=tls",) * 2, "15060", "sip:127.0.0.1:15061;transport=tcp"
)
INNER = "15060"


def routes_of(record_route: str, source: str, to_port: str = "5060") -> tuple[str, ...]:
    """What the leg of a caller keeps who sent this INVITE."""
    left: dict[str, str] = {}
    hiding = Hiding(SimpleNamespace(pv=SimpleNamespace(get=None, sets=left.__setitem__)), KEY, OWN)
    arrived = Arrived((source, "5060", "udp", to_port), "<sip:a@b>", "SIP/2.0/UDP x;branch=z", record_route)
    hiding.invite(arrived, "id", "tag", TOKEN, "")
    return unseal(KEY, left["$avp(leg)"], "id", ("x", "tag")).routes


@pytest.mark.parametrize(
    ("source", "record_route", "kept"),
    [
        ("8.8.8.8", "<sip:9.9.9.9;lr>,<sip:proxy.example.com;lr>", True),
        ("8.8.8.8", "<sip:9.9.9.9;lr>,<sip:10.0.0.1;lr>", False),
        ("8.8.8.8", "<sip:127.0.0.1:6379;transport=tcp;lr>", False),
        ("192.168.0.9", "<sip:192.168.0.1;lr>", True),
        ("192.168.0.9", "<sip:127.0.0.1:2223;lr>", False),
        ("127.0.0.1", "<sip:127.0.0.9;lr>", True),
        ("127.0.0.1", "<sip:127.0.0.9:99999;lr>", False),
    ],
)
def test_a_route_set_that_leads_into_our_network_is_forgotten(source: str, record_route: str, kept: bool) -> None:
    assert routes_of(record_route, source) == (tuple(record_route.split(",")) if kept else ())


def test_behind_the_tls_front_everybody_comes_from_loopback() -> None:
    assert routes_of("<sip:127.0.0.1:6379;transport=tcp;lr>", "127.0.0.1", INNER) == ()
    assert routes_of("<sip:9.9.9.9;lr>", "127.0.0.1", INNER) == ("<sip:9.9.9.9;lr>",)
