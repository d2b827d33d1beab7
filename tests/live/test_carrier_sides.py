"""What a carrier gets to see: numbers and headers in its own form, an answer to its challenge, and no call too many."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from demo_carrier import add_url
from live_node import LiveNode, LiveTrunk, free_ports, wait_for
from played_carriers import PASSWORD, REALM, USERNAME, Pbx, PlayedCarrier, answer_is_right, challenge
from raw_trunk import errors_logged

from trunkline.node.carrier_words import carriers_in_words

pytestmark = pytest.mark.live

CREDENTIALS = {"AuthUsername": USERNAME, "AuthRealm": REALM, "AuthPassword": PASSWORD}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """A node without carriers."""
    with LiveNode(tmp_path_factory.mktemp("carriers") / "home", demo=False) as node:
        yield node
        # While Kamailio was away, the TLS front could not reach it.
        assert [line for line in errors_logged(node) if not line.startswith("tls_front: ")] == []


@pytest.fixture(scope="module")
def trunk(bare: LiveNode) -> LiveTrunk:
    return bare.make_trunk()


@pytest.fixture
def pbx(bare: LiveNode, trunk: LiveTrunk) -> Iterator[Pbx]:
    with Pbx(bare, trunk) as agent:
        yield agent


def uri_of(value: str) -> str:
    found = re.search(r"<([^>]*)>", value)
    assert found, value
    return found.group(1)


# ---- formats --------------------------------------------------------------------------------------------------------

ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


@pytest.mark.parametrize(
    ("fields", "ruri", "sender", "asserted"),
    [
        ({}, "{called}", "sip:{caller}@{edge}", "sip:{caller}@{edge}"),
        ({"NumberFormat": "digits"}, "{digits}", "sip:{callers}@{edge}", "sip:{callers}@{edge}"),
        ({"TechPrefix": "77#"}, "77%23{called}", "sip:{caller}@{edge}", "sip:{caller}@{edge}"),
        ({"CallerHeader": "from"}, "{called}", "sip:{caller}@{edge}", ""),
        (
            {"CallerHeader": "asserted", "FromUser": "trunk42", "FromDomain": "carrier.example"},
            "{called}",
            "sip:trunk42@carrier.example",
            "sip:{caller}@carrier.example",
        ),
    ],
    ids=["plain", "digits", "prefix", "from", "asserted"],
)
def test_numbers_and_headers(
    bare: LiveNode, pbx: Pbx, fields: dict[str, Any], ruri: str, sender: str, asserted: str
) -> None:
    caller, called = pbx.trunk.number, "+15550191234"
    words = {"called": called, "digits": called[1:], "caller": caller, "callers": caller[1:], "edge": bare.host}
    with PlayedCarrier(bare, **fields) as carrier:
        dialog = pbx.dial(called)
        invite = carrier.invite()
        assert invite.ruri == f"sip:{ruri.format(**words)}@127.0.7.3:{carrier.port};transport=udp"
        assert uri_of(invite.first("From")) == sender.format(**words)
        assert invite.every("P-Asserted-Identity") == ([f"<{asserted.format(**words)}>"] if asserted else [])
        carrier.refuse(invite, 486, "Busy Here")
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        assert (answer.sip_status, uri_of(answer.first("From"))) == (486, f"sip:{caller}@{pbx.trunk.domain_name}")


def test_each_carrier_of_a_call_gets_its_own_form(bare: LiveNode, pbx: Pbx) -> None:
    with (
        PlayedCarrier(bare, Priority=1, NumberFormat="digits", CallerHeader="from", FromDomain="one.example") as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2) as second,
    ):
        dialog = pbx.dial("+15550191234")
        invite = first.invite()
        assert uri_of(invite.first("From")) == f"sip:{pbx.trunk.number[1:]}@one.example"
        assert not invite.every("P-Asserted-Identity")
        first.refuse(invite, 503)
        invite = second.invite()
        assert invite.ruri.startswith("sip:+15550191234@127.0.7.4:")
        assert uri_of(invite.first("From")) == f"sip:{pbx.trunk.number}@{bare.host}"
        assert invite.every("P-Asserted-Identity") == [f"<sip:{pbx.trunk.number}@{bare.host}>"]
        second.refuse(invite, 486)
        pbx.ack(dialog, pbx.final(dialog))


def test_who_asks_for_privacy_stays_anonymous(bare: LiveNode, pbx: Pbx) -> None:
    asserted = f"P-Asserted-Identity: <sip:{pbx.trunk.number}@{pbx.trunk.domain_name}>\r\nPrivacy: id\r\n"
    with PlayedCarrier(bare, CallerHeader="asserted", FromUser="trunk42", NumberFormat="digits") as carrier:
        dialog = pbx.dial(sender=ANONYMOUS, headers=asserted)
        invite = carrier.invite()
        assert uri_of(invite.first("From")) == "sip:anonymous@anonymous.invalid"
        assert invite.every("P-Asserted-Identity") == [f"<sip:{pbx.trunk.number[1:]}@{bare.host}>"]
        assert invite.first("Privacy") == "id"
        carrier.refuse(invite, 486)
        pbx.ack(dialog, pbx.final(dialog))


def test_the_whole_dialog_keeps_what_the_carrier_calls_us(bare: LiveNode, pbx: Pbx) -> None:
    with PlayedCarrier(bare, CallerHeader="asserted", FromUser="trunk42", FromDomain="carrier.example") as carrier:
        dialog = pbx.dial()
        invite = carrier.invite()
        taken = carrier.take(invite)
        pbx.ack(dialog, pbx.final(dialog))
        ack = carrier.wait_request("ACK")
        bye = pbx.hang_up(dialog, carrier)
        assert [uri_of(one.first("From")) for one in (invite, ack, bye)] == ["sip:trunk42@carrier.example"] * 3
        assert bye.from_tag == taken.remote_tag


# ---- digest ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "algorithm"), [(401, "MD5"), (407, "SHA-256")])
def test_a_challenge_is_answered_and_the_dialog_keeps_its_numbers(
    bare: LiveNode, pbx: Pbx, status: int, algorithm: str
) -> None:
    with PlayedCarrier(bare, **CREDENTIALS) as carrier:
        dialog = pbx.dial(headers="Supported: 100rel\r\n")
        first = carrier.invite()
        carrier.refuse(first, status, "Prove it", challenge(status, algorithm=algorithm))
        invite = carrier.invite(after=len(carrier.received))
        assert answer_is_right(invite, status, algorithm=algorithm)
        mine, theirs = dialog.cseq, int(invite.first("CSeq").split()[0])
        assert (int(first.first("CSeq").split()[0]), theirs) == (mine, mine + 1), "RFC 3261 section 22.2"
        assert (invite.first("Call-ID"), invite.from_tag) == (first.first("Call-ID"), first.from_tag)
        taken = carrier.taken(invite)
        carrier.respond(invite, 180, "Ringing", tag=taken.local_tag, headers="Require: 100rel\r\nRSeq: 9\r\n")
        assert pbx.provisional(dialog).first("CSeq") == f"{mine} INVITE"
        pbx.send(pbx.request(dialog, "PRACK", headers=f"RAck: 9 {mine} INVITE\r\n"))
        prack = carrier.wait_request("PRACK")
        assert (prack.first("RAck"), prack.every("CSeq")) == (f"9 {mine + 1} INVITE", [f"{mine + 2} PRACK"])
        carrier.respond(prack, 200)
        assert pbx.final(dialog, "PRACK").every("CSeq") == [f"{mine + 1} PRACK"]
        carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
        answer = pbx.wait(lambda m: m.sip_status == 200 and m.every("CSeq") == [f"{mine} INVITE"], "the answer")
        pbx.ack(dialog, answer)
        assert carrier.wait_request("ACK", after=carrier.received.index(invite)).every("CSeq") == [f"{mine + 1} ACK"]

        before = len(carrier.received)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(version=2)))
        again = carrier.wait_request("INVITE", after=before)
        assert again.every("CSeq") == [f"{mine + 3} INVITE"]
        carrier.respond(again, 200, body=carrier.sdp(version=2))
        answer = pbx.final(dialog)
        assert (answer.sip_status, answer.every("CSeq")) == (200, [f"{mine + 2} INVITE"])
        pbx.ack(dialog, answer)
        carrier.wait_request("ACK", after=carrier.received.index(again))

        taken.cseq = 700
        carrier.send(carrier.request(taken, "UPDATE", body=carrier.sdp(version=3)))
        update = pbx.wait_request("UPDATE")
        assert update.every("CSeq") == ["701 UPDATE"], "the carrier counts for itself"
        pbx.respond(update, 200, body=pbx.sdp(version=3))
        assert carrier.final(taken, "UPDATE").every("CSeq") == ["701 UPDATE"]
        assert pbx.hang_up(dialog, carrier).every("CSeq") == [f"{mine + 4} BYE"]
        record = bare.record(dialog.call_id)
        assert (record["status"], len(record["attempts"])) == ("completed", 1)


def test_after_a_restart_of_the_edge_the_numbers_still_fit(bare: LiveNode, pbx: Pbx) -> None:
    with PlayedCarrier(bare, **CREDENTIALS) as carrier:
        dialog = pbx.dial()
        carrier.refuse(carrier.invite(), 407, "Prove it", challenge(407))
        invite = carrier.invite(after=len(carrier.received))
        carrier.take(invite)
        pbx.ack(dialog, pbx.final(dialog))
        (pid,) = bare.pids("kamailio")
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: bare.pids("kamailio") not in ([], [pid]) and bare.healthy(), "another Kamailio", within=20)
        assert pbx.hang_up(dialog, carrier).every("CSeq") == [f"{int(invite.first('CSeq').split()[0]) + 1} BYE"]


def test_a_carrier_that_refuses_our_credentials_is_left_for_the_next(bare: LiveNode, pbx: Pbx) -> None:
    with (
        PlayedCarrier(bare, Priority=1, **CREDENTIALS) as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2) as second,
    ):
        dialog = pbx.dial()
        first.refuse(first.invite(), 407, "Prove it", challenge(407))
        first.refuse(first.invite(after=len(first.received)), 407, "Again", challenge(407, nonce="another"))
        invite = second.invite()
        assert not invite.every("Proxy-Authorization")
        second.refuse(invite, 486, "Busy Here")
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        assert (answer.sip_status, answer.every("CSeq")) == (486, [f"{dialog.cseq} INVITE"])
        attempts = bare.record(dialog.call_id)["attempts"]
        assert [(one["carrier_sid"], one["sip_status"]) for one in attempts] == [(first.sid, 407), (second.sid, 486)]
        assert attempts[0]["next"].endswith("it refuses the credentials that are set for it")
        (alert,) = wait_for(lambda: alerts(bare, first, "CARRIER_REFUSES_US"), "the alert")
        assert f"Carrier {first.sid} answered 407 to a call to" in alert["alert_text"]


@pytest.mark.parametrize(
    ("fields", "header", "why"),
    [
        ({}, challenge(401), "no credentials are set for it"),
        (
            CREDENTIALS,
            challenge(401, realm="other.example"),
            'its realm is "other.example", our credentials are for "carrier.example"',
        ),
        (
            CREDENTIALS,
            challenge(401, algorithm="MD5-sess"),
            "it asks for another algorithm than MD5 and SHA-256, or for another qop than auth",
        ),
        (CREDENTIALS, "WWW-Authenticate: Basic realm=x\r\n", "it has no Digest challenge"),
    ],
    ids=["none", "realm", "algorithm", "basic"],
)
def test_a_challenge_that_cannot_be_answered(
    bare: LiveNode, pbx: Pbx, fields: dict[str, str], header: str, why: str
) -> None:
    with PlayedCarrier(bare, **fields) as carrier:
        dialog = pbx.dial()
        carrier.refuse(carrier.invite(), 401, "Unauthorized", header)
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        assert (answer.sip_status, answer.sip_reason) == (503, "No Carrier Available")
        record = bare.record(dialog.call_id)
        said = f"401: the carrier asks for credentials: {why}; no target is left"
        assert [one["next"] for one in record["attempts"]] == [said]


# ---- probing --------------------------------------------------------------------------------------------------------


def state_of(bare: LiveNode, carrier: PlayedCarrier) -> str:
    return str(bare.api.get(f"{carrier.path}/Targets/{carrier.target_sid}")["state"])


def test_a_target_that_does_not_answer_is_passed_over_until_it_does(bare: LiveNode, pbx: Pbx) -> None:
    with (
        PlayedCarrier(bare, Priority=1, ProbeSeconds=1, ProbeMisses=2) as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2) as second,
    ):
        options = first.wait_request("OPTIONS")
        assert options.ruri == first.uri
        assert options.first("Via").startswith(f"SIP/2.0/UDP {bare.host}:{bare.sip_port};")
        inner = re.compile(f"runkline|amailio|127.0.0.1:(?!{bare.sip_port})")
        assert not inner.findall(first.raw_received[0].decode())
        first.respond(options, 503)
        first.says(503, lambda: state_of(bare, first) == "down")  # it is there, but not for us
        dialog = pbx.dial()
        second.refuse(second.invite(), 486)
        pbx.ack(dialog, pbx.final(dialog))
        (down,) = wait_for(lambda: alerts(bare, first, "CARRIER_DOWN"), "the alert")
        assert "has not answered 2 OPTIONS in a row (503" in down["alert_text"]

        first.says(405, lambda: state_of(bare, first) == "up")
        wait_for(lambda: alerts(bare, first, "CARRIER_UP"), "the alert")
        dialog = pbx.dial()
        first.refuse(first.invite(), 486)
        pbx.ack(dialog, pbx.final(dialog))


def test_where_all_are_down_they_are_called_all_the_same(bare: LiveNode, pbx: Pbx) -> None:
    with PlayedCarrier(bare, ProbeSeconds=1, ProbeMisses=1) as carrier:
        carrier.says(503, lambda: state_of(bare, carrier) == "down")
        dialog = pbx.dial()
        carrier.refuse(carrier.invite(), 486)
        pbx.ack(dialog, pbx.final(dialog))


def alerts(bare: LiveNode, carrier: PlayedCarrier, cause: str) -> list[Any]:
    found = bare.api.list("/v1/Alerts")
    return [
        alert
        for alert in found
        if carrier.sid in alert["alert_text"] and ("again" in alert["alert_text"]) == (cause == "CARRIER_UP")
    ]


def test_every_transport_is_asked_over(bare: LiveNode) -> None:
    """The node itself answers, on its own ports; nobody is at the last one."""
    ports = {"tcp": bare.sip_port, "tls": bare.tls_port}
    (nobody,) = free_ports(1)
    made = bare.api.post("/trunkline/v1/Carriers", FriendlyName="Ourselves", ProbeSeconds=1, ProbeMisses=1)["sid"]
    path = f"/trunkline/v1/Carriers/{made}"
    for transport, port in (*ports.items(), ("tls", nobody)):
        bare.api.post(f"{path}/Targets", SipUri=f"sip:{bare.host}:{port};transport={transport}")

    def states() -> list[str]:
        return [str(row["state"]) for row in bare.api.list(f"{path}/Targets")]

    wait_for(lambda: sorted(states()) == ["down", "up", "up"], "two that answer, and one that does not", within=20)
    lines = [line.split(" for ")[0].split(": ")[1] for line in carriers_in_words(bare.settings) if made in line]
    assert sorted(lines) == ["down", "up", "up"]
    bare.api.delete(path)
    bare.wait_published()


# ---- registration ---------------------------------------------------------------------------------------------------


def test_we_register_and_the_carriers_calls_come_by_our_contact(bare: LiveNode, trunk: LiveTrunk) -> None:
    fields = {"RegisterEnabled": True, "RegisterExpires": 60, "FromDomain": "carrier.example", **CREDENTIALS}
    with PlayedCarrier(bare, **fields) as carrier, Pbx(bare, trunk) as office:
        first = carrier.wait_request("REGISTER")
        assert (first.ruri, uri_of(first.first("To"))) == (carrier.uri, f"sip:{USERNAME}@carrier.example")
        assert first.first("Via").startswith(f"SIP/2.0/UDP {bare.host}:{bare.sip_port};")
        contact = uri_of(first.first("Contact"))
        assert contact == f"sip:{carrier.sid}@{bare.host}:{bare.sip_port}"
        carrier.respond(first, 401, "Unauthorized", headers=challenge(401))
        second = carrier.wait_request("REGISTER", after=carrier.received.index(first) + 1)
        assert answer_is_right(second, 401)
        assert second.first("Call-ID") == first.first("Call-ID")
        assert int(second.first("CSeq").split()[0]) == int(first.first("CSeq").split()[0]) + 1
        carrier.respond(second, 200, headers=f"Contact: <{contact}>;expires=60\r\n")
        shown = wait_for(lambda: registration(bare, carrier, "registered"), "the registration")
        assert (shown["last_answer"], shown["until"] is not None) == ("200 OK", True)

        bare.api.post(f"{carrier.path}/Addresses", Network="127.0.7.3/32")
        add_url(bare, trunk, f"sip:{office.host}:{office.port}")
        bare.wait_published()
        dialog = carrier.new_dialog(contact, "+15550004321")
        dialog.remote = f"<sip:{trunk.number}@carrier.example>"
        carrier.send(carrier.request(dialog, "INVITE", body=carrier.sdp()))
        invite = office.wait_request("INVITE")
        assert invite.ruri.startswith(f"sip:{trunk.number}@")
        office.respond(invite, 486, "Busy Here", tag="1")
        carrier.ack(dialog, carrier.final(dialog))


def test_a_registrar_that_refuses_us_is_an_alert(bare: LiveNode) -> None:
    with PlayedCarrier(bare, RegisterEnabled=True, **CREDENTIALS) as carrier:
        carrier.says(403, lambda: registration(bare, carrier, "failed") is not None, "REGISTER")
        (alert,) = wait_for(lambda: alerts(bare, carrier, "CARRIER_REGISTRATION"), "the alert")
        assert "failed: 403 Said So" in alert["alert_text"]


def registration(bare: LiveNode, carrier: PlayedCarrier, state: str) -> Any:
    shown = bare.api.get(carrier.path)["registration"]
    return shown if shown and shown["state"] == state else None
