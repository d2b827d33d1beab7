"""Steps 4, 6 and 8 of admission: spending cap, what is dialled, where it leads."""

from __future__ import annotations

import pytest
from example_world import ACCOUNT, CALLED, Edge, invite, sid

from trunkline.core.cause import Cause
from trunkline.core.decision import Reject, Relay


def edge(**trunk):
    made = Edge()
    key = sid("TK", "acl")
    made.routing.trunks[key] = made.routing.trunks[key]._replace(**trunk)
    return made


def cause(decision):
    assert isinstance(decision, Reject), decision
    return decision.cause


@pytest.mark.parametrize("dialled", ["112", "911", "999", "933", "+911"])
def test_emergency_numbers(dialled):
    assert cause(edge().decide(invite(called=dialled))) is Cause.EMERGENCY_NOT_ENABLED
    relay = edge(emergency=True).decide(invite(called=dialled))
    assert isinstance(relay, Relay)
    assert relay.called == dialled.removeprefix("+")
    assert relay.targets[0].ruri.startswith(f"sip:{relay.called}@")


def test_an_emergency_number_comes_before_every_rule():
    rules = '[{"length": 3, "prefix": "+15550100"}]'
    assert cause(edge(number_rules=rules).decide(invite(called="112"))) is Cause.EMERGENCY_NOT_ENABLED
    assert cause(edge(number_rules='[{"match":"9","strip":1}]').decide(invite(called="9911"))) is (
        Cause.EMERGENCY_NOT_ENABLED
    )


def test_short_codes_and_extensions():
    assert cause(edge().decide(invite(called="411"))) is Cause.SHORT_CODE
    assert cause(edge().decide(invite(called="100"))) is Cause.NUMBER_NOT_E164


def test_number_rules_come_before_the_form():
    rules = '[{"match":"00","strip":2,"prefix":"+"}]'
    relay = edge(number_rules=rules).decide(invite(called="00" + CALLED[1:]))
    assert isinstance(relay, Relay)
    assert relay.called == CALLED
    refused = edge(number_rules=rules).decide(invite(called="0044"))
    assert cause(refused) is Cause.NUMBER_NOT_E164
    assert refused.called == "+44", "the record says what it became"


def test_destinations():
    made = edge()
    refused = made.decide(invite(called="+881612345678"))
    assert cause(refused) is Cause.DESTINATION_CLOSED
    assert "satellite networks" in refused.explanation
    made.routing.rules[ACCOUNT] = {"+881": True, "low:GB": False}
    assert isinstance(made.decide(invite(called="+881612345678")), Relay)
    assert cause(made.decide(invite())) is Cause.DESTINATION_CLOSED


def test_the_spending_cap():
    made = edge(emergency=True)
    made.routing.accounts[ACCOUNT] = made.routing.accounts[ACCOUNT]._replace(spend_ok=False)
    refused = made.decide(invite())
    assert cause(refused) is Cause.SPENDING_CAP
    assert refused.sip_status == 403
    assert isinstance(made.decide(invite(called="112")), Relay), "nobody's life is held against a cap"
