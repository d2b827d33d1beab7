"""The two BYEs that end a call from outside: each opens with the leg of the side that it goes to."""

from __future__ import annotations

import pytest

from trunkline.core.edge_bye import byes
from trunkline.core.hidden_leg import Leg, dialog_of, seal, unseal
from trunkline.testbench.sip_text import parse_sip

KEY, CALL = b"k" * 32, "0123456789abcdef" * 2


@pytest.mark.parametrize("call_id", ["plain", "1@192.0.2.7"])
def test_the_edge_can_open_them(call_id):
    own = call_id if "@" in call_id else ""
    dialog = dialog_of(call_id, "ct")
    legs = [
        seal(KEY, Leg(side, f"{CALL}.p.1700000000", f"sip:{side}@9.9.9.9", "sip:9.9.9.9", (), held), dialog)
        for side, held in (("caller", own), ("callee", ""))
    ]
    messages = byes(("127.0.0.1", 5060), 40000, ("one", "two"), f"CA{CALL}", call_id, (*legs, "ct", "dt"))
    for message, to in zip(messages, ("callee", "caller"), strict=True):
        bye = parse_sip(message.decode())
        text = bye.ruri.partition(";tl=")[2]
        from_tag = bye.first("From").partition(";tag=")[2]
        to_tag = bye.first("To").partition(";tag=")[2]
        leg = unseal(KEY, text, bye.first("Call-ID"), (from_tag, to_tag))
        assert (leg.side, leg.target) == (to, f"sip:{to}@9.9.9.9")
