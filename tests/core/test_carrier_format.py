"""Numbers and identities in the form that a carrier wants."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from example_world import CALLED, POLICY, sid, world

from trunkline.core.carrier_format import Caller, Identity, dialled, identity_for
from trunkline.core.routing_data import CarrierRow
from trunkline.core.termination import carrier_targets

CALLER = Caller("+15557770001", anonymous=False)
ANONYMOUS = Caller("+15557770001", anonymous=True)


def carrier(**fields: Any) -> CarrierRow:
    return CarrierRow(sid("CX", "first"), True, 10, 10, **fields)


@pytest.mark.parametrize(
    ("fields", "called", "user"),
    [
        ({}, "+4930123", "+4930123"),
        ({"number_format": "digits"}, "+4930123", "4930123"),
        ({"number_format": "digits"}, "112", "112"),
        ({"tech_prefix": "9#*"}, "+4930123", "9%23*+4930123"),
        ({"tech_prefix": "0049", "number_format": "digits"}, "+4930123", "00494930123"),
    ],
)
def test_dialled(fields: dict[str, Any], called: str, user: str) -> None:
    assert dialled(carrier(**fields), called) == user


NUMBER = "sip:+15557770001@192.0.2.1"


@pytest.mark.parametrize(
    ("fields", "caller", "identity"),
    [
        ({}, CALLER, Identity(NUMBER, NUMBER)),
        ({"caller_header": "from"}, CALLER, Identity(NUMBER, None)),
        ({"caller_header": "asserted"}, CALLER, Identity(NUMBER, NUMBER)),
        ({"caller_header": "asserted", "from_user": "acme"}, CALLER, Identity("sip:acme@192.0.2.1", NUMBER)),
        (
            {"from_domain": "c.example", "number_format": "digits"},
            CALLER,
            Identity("sip:15557770001@c.example", "sip:15557770001@c.example"),
        ),
        ({"caller_header": "from"}, ANONYMOUS, Identity(None, NUMBER)),
        ({"caller_header": "asserted", "from_user": "acme"}, ANONYMOUS, Identity(None, NUMBER)),
    ],
)
def test_identity(fields: dict[str, Any], caller: Caller, identity: Identity) -> None:
    assert identity_for(carrier(**fields), caller, "192.0.2.1") == identity


def test_nothing_is_special_where_all_carriers_of_a_call_are_plain() -> None:
    routing = world()
    found = carrier_targets(CALLED, routing, POLICY, Random(1), CALLER)
    assert [(one.terms, one.headers) for one in found] == [(None, ())] * 2


def test_one_special_carrier_makes_every_target_say_who_calls() -> None:
    routing = world()
    first = sid("CX", "first")
    routing.carriers[first] = carrier(caller_header="from", auth_username="me", calls=3)
    (one, _) = carrier_targets(CALLED, routing, POLICY, Random(1), CALLER)
    assert one.terms is not None
    assert (one.terms.own_identity, one.terms.from_uri, one.headers) == (True, "sip:+15557770001@127.0.0.1", ())
    assert (one.terms.credentials, one.terms.calls, one.terms.cps) == (True, 3, None)
    (one, _) = carrier_targets(CALLED, routing, POLICY, Random(1), ANONYMOUS)
    assert one.terms is not None
    assert one.terms.from_uri is None
    assert one.headers == (("P-Asserted-Identity", "<sip:+15557770001@127.0.0.1>"),)
