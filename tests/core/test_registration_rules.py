"""What a REGISTER makes of a trunk's contacts, where calls for them go, and who may register at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from example_world import NOW, PBX, STRANGER, Edge, answer_to, invite, sid, trunk, world

from trunkline.core.cause import Cause
from trunkline.core.decision import Challenge, MayRegister, Reject, Relay
from trunkline.core.registration import (
    LONGEST,
    MOST_CONTACTS,
    SHORTEST,
    USUAL,
    Contact,
    Register,
    in_order,
    needs_keep_alive,
    next_hop,
    register,
    request_uri,
)

TRUNK = "TK" + "1" * 32


def asks(contacts: str | None, expires: str | None = None, **more: object) -> Register:
    return replace(Register(contacts, expires, "c1", 1, "198.51.100.7", 5060, "udp"), **more)


def contact(uri: str = "sip:pbx@198.51.100.7:5060", **fields: object) -> Contact:
    row = Contact(TRUNK, uri, 1.0, "198.51.100.7", 5060, "udp", NOW + 600, NOW - 10, "c0", 7)
    return row._replace(**fields)


def uris(contacts: tuple[Contact, ...]) -> list[str]:
    return [row.uri for row in contacts]


# ---- the contacts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contacts", "expires", "seconds"),
    [
        ("<sip:a@192.0.2.1>", None, USUAL),
        ("<sip:a@192.0.2.1>", "120", 120),
        ("<sip:a@192.0.2.1>;expires=90", "120", 90),
        ("sip:a@192.0.2.1;expires=90", "120", 90),
        ("<sip:a@192.0.2.1;expires=90>", "120", 120),
        ("<sip:a@192.0.2.1>", "999999999", LONGEST),
        ("<sip:a@192.0.2.1>", "soon", USUAL),
        ("<sip:a@192.0.2.1>;expires=never", "120", 120),
        ("<sip:a@192.0.2.1>", str(SHORTEST), SHORTEST),
    ],
)
def test_how_long(contacts, expires, seconds):
    (row,) = register(asks(contacts, expires), TRUNK, [], NOW).contacts
    assert row.until - NOW == seconds


@pytest.mark.parametrize(("contacts", "expires"), [("<sip:a@192.0.2.1>", "59"), ("<sip:a@192.0.2.1>;expires=1", None)])
def test_too_short_changes_nothing(contacts, expires):
    before = [contact()]
    answer = register(asks(contacts, expires), TRUNK, before, NOW)
    assert (answer.status, answer.headers(NOW), list(answer.contacts)) == (423, (("Min-Expires", "60"),), before)


def test_a_question_shows_what_is_there_by_q():
    before = [contact("sip:low@192.0.2.1", q=0.2), contact("sip:high@192.0.2.2"), contact("sip:old@x", until=NOW)]
    answer = register(asks(None), TRUNK, before, NOW)
    assert answer.headers(NOW) == (
        ("Contact", "<sip:high@192.0.2.2>;expires=600;q=1"),
        ("Contact", "<sip:low@192.0.2.1>;expires=600;q=0.2"),
    )
    assert (answer.added, answer.removed) == ((), ())


def test_several_in_one_request():
    text = '"Main, office" <sip:a@192.0.2.1;x="1,2">;q=0.5, <sip:b@192.0.2.2>;q=0.7,sip:c@192.0.2.3'.replace(
        '"1,2"', "1"
    )
    answer = register(asks(text), TRUNK, [], NOW)
    assert uris(answer.contacts) == ["sip:c@192.0.2.3", "sip:b@192.0.2.2", "sip:a@192.0.2.1;x=1"]


@pytest.mark.parametrize(
    "again", ["sip:pbx@198.51.100.7:5060", "sip:pbx@198.51.100.7:5060;ob", "SIP:pbx@198.51.100.7:5060"]
)
def test_a_refresh_is_the_same_contact(again):
    answer = register(asks(f"<{again}>"), TRUNK, [contact()], NOW)
    assert uris(answer.contacts) == [again]
    assert (answer.added, answer.removed) == ((), ())
    assert answer.contacts[0].refreshed == NOW


@pytest.mark.parametrize(
    "other", ["sip:pbx@198.51.100.7:5061", "sip:other@198.51.100.7:5060", "sip:pbx@198.51.100.7:5060;transport=tcp"]
)
def test_another_contact_stands_beside(other):
    assert len(register(asks(f"<{other}>"), TRUNK, [contact()], NOW).contacts) == 2


def test_an_instance_that_comes_from_elsewhere_replaces_itself():
    first = register(asks('<sip:a@10.0.0.1>;+sip.instance="<urn:uuid:1>";reg-id=1'), TRUNK, [], NOW)
    again = register(
        asks('<sip:a@10.0.0.2>;+sip.instance="<urn:uuid:1>";reg-id=1', cseq=2), TRUNK, first.contacts, NOW + 1
    )
    assert uris(again.contacts) == ["sip:a@10.0.0.2"]


def test_removing_one_and_all():
    before = [contact(), contact("sip:b@192.0.2.2")]
    one = register(asks("<sip:b@192.0.2.2>", "0"), TRUNK, before, NOW)
    assert (uris(one.contacts), uris(one.removed)) == (["sip:pbx@198.51.100.7:5060"], ["sip:b@192.0.2.2"])
    none = register(asks("*", "0"), TRUNK, before, NOW)
    assert (none.status, none.contacts, len(none.removed)) == (200, (), 2)
    unknown = register(asks("<sip:nobody@192.0.2.9>", "0"), TRUNK, before, NOW)
    assert (unknown.status, len(unknown.contacts), unknown.removed) == (200, 2, ())


@pytest.mark.parametrize(
    "contacts",
    [
        "tel:+15550100",
        "<sip:>",
        "<mailto:a@b>",
        "<sip:a@b",
        "<sip:a@b>;q=2",
        "<sip:a@b>;q=x",
        "<sip:ü@b>",
        "*",
        "*, <sip:a@b>",
    ],
)
def test_what_cannot_be_carried_out_changes_nothing(contacts):
    before = [contact()]
    answer = register(asks(contacts, "60"), TRUNK, before, NOW)
    assert (answer.status, list(answer.contacts), answer.added, answer.removed) == (400, before, (), ())


@pytest.mark.parametrize(("cseq", "status"), [(6, 500), (7, 500), (8, 200)])
def test_requests_that_overtook_each_other(cseq, status):
    late = asks("<sip:pbx@198.51.100.7:5060>", call_id="c0", cseq=cseq)
    assert register(late, TRUNK, [contact()], NOW).status == status
    assert register(replace(late, contacts="*", expires="0"), TRUNK, [contact()], NOW).status == status


def test_one_too_many_takes_the_place_of_the_oldest():
    before = [contact(f"sip:n{n}@192.0.2.1", refreshed=NOW - n) for n in range(MOST_CONTACTS)]
    answer = register(asks("<sip:new@192.0.2.1>"), TRUNK, before, NOW)
    assert len(answer.contacts) == MOST_CONTACTS
    assert (uris(answer.added), uris(answer.removed)) == (
        ["sip:new@192.0.2.1"],
        [f"sip:n{MOST_CONTACTS - 1}@192.0.2.1"],
    )


# ---- where calls go -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "uri", "hop", "knock"),
    [
        (contact(), "198.51.100.7:5060;transport=udp", "198.51.100.7:5060;transport=udp", False),
        # Behind no NAT it may send from another port than it listens at.
        (contact(source_port=40000), "198.51.100.7:5060;transport=udp", "198.51.100.7:5060;transport=udp", False),
        (contact("sip:pbx@198.51.100.7"), "198.51.100.7;transport=udp", "198.51.100.7:5060;transport=udp", False),
        (contact("sip:p@10.0.0.2:5070"), "10.0.0.2:5070;transport=udp", "198.51.100.7:5060;transport=udp", True),
        (contact("sip:p@pbx.test"), "pbx.test;transport=udp", "198.51.100.7:5060;transport=udp", True),
        # Somebody else's address is not called, whatever the contact says.
        (contact("sip:p@203.0.113.9"), "203.0.113.9;transport=udp", "198.51.100.7:5060;transport=udp", True),
        (
            contact("sip:p@10.0.0.2:5070;transport=tcp;line=abc", transport="tcp", source_port=40001),
            "10.0.0.2:5070;transport=tcp;line=abc",
            "198.51.100.7:40001;transport=tcp",
            False,
        ),
        (
            contact("sip:p@10.0.0.2;transport=TLS;alias=1.2.3.4~5~1", transport="tls", source_port=40002),
            "10.0.0.2;transport=tls;alias=198.51.100.7~40002~3",
            None,
            False,
        ),
        (
            contact("sip:p@[2001:db8::7]:5060", source_ip="2001:DB8:0:0::7"),
            "[2001:db8::7]:5060;transport=udp",
            "[2001:DB8:0:0::7]:5060;transport=udp",
            False,
        ),
    ],
)
def test_where_a_contact_is_called(row, uri, hop, knock):
    assert request_uri(row, "+15550100") == f"sip:+15550100@{uri}"
    assert next_hop(row) == (None if hop is None else f"sip:{hop}")
    assert needs_keep_alive(row) is knock


def test_the_order_of_contacts():
    rows = [contact("sip:a@x", q=0.5), contact("sip:b@x", refreshed=NOW - 99), contact("sip:c@x", refreshed=NOW - 1)]
    assert uris(in_order(rows)) == ["sip:c@x", "sip:b@x", "sip:a@x"]


def originating(*rows: Contact, secure: bool = False, registration: bool = True) -> Relay | Reject:
    routing = world()
    acl = sid("TK", "acl")
    routing.trunks[acl] = trunk("acl", registration=registration, secure=secure)
    routing.contacts[acl] = [row._replace(trunk_sid=acl) for row in rows]
    call = invite(ruri="sip:+15550100003@edge.test", source_ip="192.0.2.10", from_header_uri="sip:+15550104321@x.test")
    decided = Edge(routing).decide(call)
    assert isinstance(decided, (Relay, Reject))
    return decided


def test_contacts_come_before_the_urls():
    relay = originating(contact("sip:second@10.0.0.2", q=0.1), contact("sip:first@10.0.0.1"))
    assert [target.target_sid[:2] for target in relay.targets] == ["TK", "TK", "OU", "OU"]
    assert [target.ruri for target in relay.targets[:2]] == [
        "sip:+15550100003@10.0.0.1;transport=udp",
        "sip:+15550100003@10.0.0.2;transport=udp",
    ]
    assert relay.targets[0].next_hop == "sip:198.51.100.7:5060;transport=udp"


def test_a_trunk_that_takes_none_does_not_look():
    assert [t.target_sid[:2] for t in originating(contact(), registration=False).targets] == ["OU", "OU"]


def test_a_secure_trunk_calls_by_tls_alone():
    relay = originating(contact(), contact("sip:p@10.0.0.2", transport="tls"), secure=True)
    assert [(t.target_sid[:2], t.transport) for t in relay.targets] == [("TK", "tls"), ("OU", "tls"), ("OU", "tls")]


def test_many_contacts_leave_a_place_for_a_url():
    relay = originating(*(contact(f"sip:n{n}@10.0.0.1") for n in range(12)))
    assert [t.target_sid[:2] for t in relay.targets] == ["TK"] * 9 + ["OU"]


# ---- who may ---------------------------------------------------------------------------------------------------------


def edge(**labels: bool) -> Edge:
    """Trunks of the example world that take registrations."""
    routing = world()
    for label in labels:
        routing.trunks[sid("TK", label)] = routing.trunks[sid("TK", label)]._replace(registration=True)
    return Edge(routing)


def request(label: str, **facts: object):
    ruri = f"sip:{label}.pstn.twilio.com" if label else "sip:pstn.twilio.com"
    return replace(invite(ruri=ruri, method="REGISTER", to_uri=f"sip:alice@{label}.pstn.twilio.com"), **facts)


def test_a_challenge_and_then_in():
    asked = edge(creds=True)
    first = asked.decide(request("creds"))
    assert isinstance(first, Challenge)
    assert (first.status, first.headers[0][0], first.repeatable) == (401, "WWW-Authenticate", False)
    signed = replace(request("creds"), authorization=answer_to(first, request("creds"), "alice", "Secret-12345"))
    assert asked.decide(signed) == MayRegister(world().trunks[sid("TK", "creds")].account_sid, sid("TK", "creds"))
    again = asked.decide(signed)
    assert isinstance(again, Challenge)
    assert (again.status, again.stale) == (401, True)


@pytest.mark.parametrize(
    ("label", "facts", "cause", "status"),
    [
        ("both", {"source_ip": STRANGER}, Cause.SOURCE_NOT_IN_ACL, 403),
        ("creds", {}, Cause.BAD_CREDENTIALS, 403),
        ("none", {}, Cause.REGISTER_REFUSED, 403),
        ("nowhere", {}, Cause.REGISTER_REFUSED, 403),
        ("acl", {}, Cause.REGISTER_REFUSED, 403),
    ],
)
def test_who_may_not(label, facts, cause, status):
    asked = edge(both=True, creds=True, none=True)
    decided = asked.decide(request(label, **facts))
    if isinstance(decided, Challenge):
        decided = asked.call(request(label), "alice", "wrong")
    assert isinstance(decided, Reject)
    assert (decided.cause, decided.sip_status) == (cause, status)


def test_a_trunk_that_exists_and_one_that_does_not_answer_alike():
    asked = edge(none=True)
    answers = [asked.decide(request(label)) for label in ("none", "acl", "nowhere")]
    assert len({(a.sip_status, a.reason, a.headers) for a in answers if isinstance(a, Reject)}) == 1


def test_an_access_list_alone_lets_in():
    assert isinstance(edge(acl=True).decide(request("acl", source_ip=PBX)), MayRegister)


def test_secure_and_suspended():
    refused = edge(secure=True).call(request("secure"), "sec")
    assert (refused.cause, refused.sip_status) == (Cause.TLS_REQUIRED, 403)
    assert isinstance(edge(secure=True).call(request("secure", transport="tls"), "sec"), MayRegister)
    assert edge(suspended=True).call(request("suspended"), "susan").cause is Cause.ACCOUNT_INACTIVE


def test_at_the_global_endpoint():
    assert edge().decide(request("", source_ip=STRANGER)).cause is Cause.REGISTER_REFUSED
    asked = edge(creds=True)
    assert asked.call(request("", source_ip=STRANGER), "alice") == MayRegister(
        world().trunks[sid("TK", "creds")].account_sid, sid("TK", "creds")
    )
    assert asked.call(request("", source_ip=STRANGER), "theo").cause is Cause.REGISTER_REFUSED
