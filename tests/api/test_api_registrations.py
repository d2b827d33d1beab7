"""Whether a trunk takes registrations, and who is registered."""

from __future__ import annotations

import time

from api_answers import code, made

from trunkline.core.registration import Register, register
from trunkline.engines.kamailio.registrations import Registrations


def test_switching_it_on(customer):
    path = f"/trunkline/v1/Trunks/{made(customer.post('/v1/Trunks'))['sid']}"
    assert customer.get(path).json()["registration"] == "refused"
    assert customer.post(path, data={"Registration": "allowed"}).json()["registration"] == "allowed"
    assert code(customer.post(path, data={"Registration": "perhaps"})) == 20422


def test_who_is_registered(api, owner, customer, stranger):
    sid = made(customer.post("/v1/Trunks"))["sid"]
    path = f"/trunkline/v1/Trunks/{sid}/Registrations"
    assert customer.get(path).json() == {"registration": "refused", "registrations": []}
    now = time.time()
    request = Register(
        "<sip:a@10.0.0.1>;q=0.5, <sip:b@192.0.2.1>", "120", "c1", 1, "192.0.2.1", 40000, "udp", "Asterisk"
    )
    file = Registrations(api.settings.registrations_db)
    file.change(sid, now, lambda before: register(request, sid, before, now))
    file.close()
    rows = customer.get(path).json()["registrations"]
    assert [(row["contact"], row["q"], row["behind_nat"]) for row in rows] == [
        ("sip:b@192.0.2.1", 1.0, False),
        ("sip:a@10.0.0.1", 0.5, True),
    ]
    assert (rows[0]["source"], rows[0]["user_agent"]) == ("udp:192.0.2.1:40000", "Asterisk")
    assert rows[0]["date_expires"] > rows[0]["date_refreshed"]
    assert owner.get(path).json()["registrations"] == rows
    assert code(stranger.get(path), 404) == 20404
