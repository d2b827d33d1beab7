# ruff: noqa: E501  messages are data, a header a line
"""Messages that nobody should send, against a running edge: no crash, no traceback, no process replaced, memory flat.

RFC 4475, mutations of good requests (3,000 here, 100,000 by `make torture`: TRUNKLINE_TORTURE), and injections.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import httpx
import pytest
from click.testing import CliRunner
from hostile import BusyCarrier, Sender, own_memory, processes, shared_memory, unhurt
from injections import (
    CALLED,
    CALLING,
    CREDENTIALS,
    EVERYWHERE,
    MARKUP,
    PLACES,
    SQL,
    TEXTS,
    Fate,
    Injected,
    ack,
    faults,
    injected,
)
from live_node import LiveNode, LiveTrunk, free_rtp_range, wait_for
from plain_sip import own_address
from raw_sip import sdp
from sip_mutations import mutated
from torture_messages import torture

from trunkline.analyzer import analyze
from trunkline.analyzer.report.escape import visible
from trunkline.analyzer.report.html import page
from trunkline.api.client import View
from trunkline.cli.main import cli
from trunkline.testbench.sip_text import parse_sip

pytestmark = pytest.mark.live

COUNT = int(os.environ.get("TRUNKLINE_TORTURE") or 3000)
SEED = 4475
PBX = own_address()
"""The address of a PBX that the trunk's list lets in: what it sends goes all the way, to the carrier."""
NOT_KAMAILIOS = {"wsinv", "intmeth"}
"""Valid, and dropped by Kamailio's own parser: a CSeq over two lines, a header whose name holds an apostrophe."""
SHARED_KIB = 256 + COUNT // 64
"""Of Kamailio's shared memory, over all messages: what it takes once, and what is kept of each call for 60 s (110 bytes:
hash_table_tout in kamailio.cfg), which is 8 bytes a message here.
"""
BRANCH = re.compile(rb"branch=z9hG4bK(\w+)")
ACTING = re.compile(rb"[<>&'\x1b\x80-\xff]")
"""In a text that a terminal, a browser or a database could take for more than text."""
CONTROL = re.compile(rb"[\0\r\n%\"]")
"""In a text that a SIP stack could take for more than text."""
GROWTH_KIB = 1024
"""Of one process, over all messages: what the allocators' rounding may be."""


@pytest.fixture(scope="module")
def busy() -> Iterator[BusyCarrier]:
    with BusyCarrier() as carrier:
        yield carrier


@pytest.fixture(scope="module")
def tortured(tmp_path_factory: pytest.TempPathFactory, busy: BusyCarrier) -> Iterator[LiveNode]:
    # Media ports for all calls: the recorder gives those of a refused one back a moment later.
    ports = {"TRUNKLINE_RTP_PORTS": free_rtp_range(8000)}
    with LiveNode(tmp_path_factory.mktemp("torture") / "home", demo=False, environment=ports) as running:
        carrier = running.api.post("/trunkline/v1/Carriers", FriendlyName="busy")["sid"]
        running.api.post(f"/trunkline/v1/Carriers/{carrier}/Targets", SipUri=f"sip:{busy.address};transport=udp")
        yield running


@pytest.fixture(scope="module", autouse=True)
def shared_at_rest(tortured: LiveNode) -> int:
    """KiB of shared memory before anything was sent."""
    return shared_memory(tortured)


@pytest.fixture(scope="module")
def open_trunk(tortured: LiveNode) -> LiveTrunk:
    return tortured.make_trunk(credentials=False, acl=f"{PBX}/32")


def good_requests(sender: Sender, trunk: LiveTrunk) -> list[str]:
    """One of each kind, with {n} where its own number belongs."""
    uri = f"sip:{CALLED}@{trunk.domain_name}"
    body = sdp().decode()
    made = []
    for method, more in (
        ("INVITE", ""),
        ("OPTIONS", ""),
        ("REGISTER", ""),
        ("BYE", ";tag=x"),
        ("CANCEL", ""),
        ("ACK", ";tag=y"),
    ):
        content = body if method == "INVITE" else ""
        kind = "Content-Type: application/sdp\r\n" if content else ""
        made.append(
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {sender.address};branch=z9hG4bKm{{n}};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{trunk.number}@pbx.example>;tag=m{{n}}\r\nTo: <{uri}>{more}\r\nCall-ID: mutant-{{n}}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:pbx@{sender.address}>\r\nUser-Agent: pbx\r\nSupported: timer, 100rel\r\nAllow: INVITE, ACK, BYE\r\n"
            f"P-Asserted-Identity: <sip:{trunk.number}@pbx.example>\r\nX-Custom: kept\r\n{kind}"
            f"Content-Length: {len(content)}\r\n\r\n{content}"
        )
    return [made[0], *made]  # INVITEs twice: they go the furthest


def test_rfc_4475(tortured: LiveNode) -> None:
    """Valid ones get an answer, from a source that is nobody's as much as from a known one; nothing is hurt."""
    messages = torture(f"{tortured.host}:{tortured.sip_port}")
    assert len({message.name for message in messages}) > 45
    with unhurt(tortured):
        silent = []
        for source in ("127.0.0.1", own_address()):
            with Sender(tortured, source) as sender:
                for message in messages:
                    sender.send(message.message)
                    answers = sender.received(0.03)
                    assert not [answer for answer in answers if b"Kamailio" in answer], message.name
                    if (
                        source == "127.0.0.1"
                        and message.valid
                        and not answers
                        and not message.message.startswith(b"SIP/")
                    ):
                        sender.send(message.message)
                        if not sender.received(1.0):
                            silent.append(message.name)
                wait_for(tortured.healthy, "a healthy node")
        assert set(silent) <= NOT_KAMAILIOS


@pytest.mark.timeout(600)
def test_mutated_messages(tortured: LiveNode, open_trunk: LiveTrunk) -> None:
    with Sender(tortured, PBX) as sender, unhurt(tortured):
        good = good_requests(sender, open_trunk)
        sender.send(good[0].replace("{n}", "first").encode())
        assert any(b" 486 " in answer.split(b"\r\n")[0] for answer in sender.received(1.0)), "the good one goes through"

        def numbered(n: int) -> bytes:
            return good[n % len(good)].replace("{n}", str(n)).encode()

        before: dict[int, int] = {}
        for n, message in enumerate(mutated(numbered, COUNT, SEED)):
            sender.send(message)
            if n % 40 == 0:
                sender.ping()
            if n == COUNT // 3:  # the processes have met everything by now
                before = own_memory(tortured)
        sender.ping()
        after = own_memory(tortured)
    growth = {pid: after[pid] - size for pid, size in before.items()}
    names = dict(processes(tortured))
    assert max(growth.values()) < GROWTH_KIB * max(1, COUNT // 20_000), {names[pid]: kib for pid, kib in growth.items()}


@pytest.fixture(scope="module")
def injections(tortured: LiveNode, open_trunk: LiveTrunk, busy: BusyCarrier) -> list[Injected]:
    """Each text in each place, and once in all places of a call that is refused for its number: what came of them."""
    locked, realm = tortured.make_trunk(), tortured.settings.realm
    with Sender(tortured, PBX) as sender, unhurt(tortured):
        sent: list[Injected] = []
        for text in TEXTS:
            for place in PLACES:
                if place.fate is Fate.REPLACED and not CONTROL.search(text) and not ACTING.search(text):
                    continue
                trunk = locked if place is CREDENTIALS else open_trunk
                sent.append(injected(text, (place,), trunk, realm, sender.address))
            sent.append(injected(text, EVERYWHERE, open_trunk, realm, sender.address, dialled="0049301234567"))
        by_mark = {one.mark: one for one in sent}

        def collect(within: float) -> None:
            for answer in sender.received(within):
                mark = BRANCH.search(answer)
                if mark and answer[8:9] != b"1":
                    by_mark[mark[1].decode()].answers.append(answer)
                    sender.send(ack(answer, by_mark[mark[1].decode()].request))

        for _ in range(3):  # what a busy machine has dropped is sent again
            for n, one in enumerate(one for one in sent if not one.answers):
                sender.send(one.request)
                collect(0.01 if n % 8 == 0 else 0.0)
            collect(0.3)
    for one in sent:
        one.at_carrier = busy.marked.get(one.mark, [])
    return sent


def test_injections_are_refused_or_carried_unchanged(injections: list[Injected]) -> None:
    """What the carrier gets of each text is what was sent, or nothing; and nothing else comes with it."""
    assert [(one.said, fault) for one in injections for fault in faults(one)] == []
    # No answer: only where Kamailio cannot read what an answer is made of, or where a line is no header.
    assert {one.said for one in injections if not (one.status or one.is_unreadable)} == set()
    reached = {place for one in injections if one.at_carrier for place in one.places}
    assert set(PLACES) - reached == {CREDENTIALS, CALLING}, "all others were tried as far as the carrier"


def test_injected_texts_are_kept_as_text(tortured: LiveNode, injections: list[Injected]) -> None:
    """The records say what was sent, and nothing of it was SQL."""
    carried = [one for one in injections if one.at_carrier]
    kept: dict[str, list[View]] = {}

    def all_there() -> bool:
        kept.clear()
        for call in tortured.api.list("/trunkline/v1/Calls", most=2 * len(injections)):
            kept.setdefault(call["sip_call_id"], []).append(call)
        return all(one.read("Call-ID") in kept for one in carried)

    wait_for(all_there, "the records", within=20)
    for one in carried:
        (call,) = kept[one.read("Call-ID")]
        dialled = CALLED + one.text.decode() if one.places[0].header == "Request-URI" else CALLED
        said = (call["user_agent"], call["caller"], call["called"], call["sip_status"])
        assert said == (one.read("User-Agent"), one.number, dialled, one.status), one.said
    guessed = [one for one in injections if one.places == (CREDENTIALS,) and one.text in (SQL, MARKUP)]
    for one in guessed:
        assert one.status == 403
        (alert,) = tortured.record(one.read("Call-ID"))["alerts"]
        assert f"{one.text.decode()}{one.token}" in alert["alert_text"]


@pytest.mark.timeout(120)
def test_injected_texts_are_shown_as_text(tortured: LiveNode, injections: list[Injected]) -> None:
    """`trunkline explain` and the report for browsers, of calls that were refused and had the text in every header."""
    shown = []
    for one in injections:
        refused_for_its_number = any(b" Invalid phone number\r\n" in answer for answer in one.answers)
        if one.places != EVERYWHERE or not refused_for_its_number or not ACTING.search(one.text):
            continue
        sid = tortured.record(one.read("Call-ID"))["sid"]
        trace = wait_for(lambda sid=sid: trace_of(tortured, sid), f"the trace of {one.said}", within=20)
        said = CliRunner().invoke(cli, ["explain", sid], env=tortured.environment, catch_exceptions=False).output
        assert one.read("User-Agent") in said
        assert [line for line in said.split("\n") if not line.isprintable()] == []
        text = page(analyze(trace))
        root = ET.fromstring(text.partition("\n")[2])  # what is not escaped is not well-formed, or an element
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not names & {"script", "img", "iframe", "object", "link", "base", "form"}
        assert [name for e in root.iter() for name in e.attrib if name.lower().startswith("on")] == []
        assert [c for c in text if not (c.isprintable() or c == "\n")] == []
        lines = one.values["User-Agent"].decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
        assert all(visible(line) in "".join(root.itertext()) for line in lines), one.said
        shown.append(one.text)
    # The others end a line or the quoted name in From, or are no text: refused for that.
    assert {text for text in TEXTS if ACTING.search(text) and not re.search(b'[\r\n"\xff]', text)} == set(shown)


def trace_of(node: LiveNode, sid: str) -> bytes | None:
    """The messages of a call that was judged, as a pcap."""
    url = f"{node.settings.api_url}/trunkline/v1/Calls/{sid}/Trace"
    answer = httpx.get(url, auth=(node.demo["account_sid"], node.demo["auth_token"]), trust_env=False)
    return answer.content if answer.status_code == 200 else None


def test_nothing_told_by_status_headers_or_time(tortured: LiveNode) -> None:
    """A trunk that exists and one that does not, to somebody without credentials: the same but for what he sent."""
    trunk = tortured.make_trunk(credentials=False)
    hosts = (trunk.domain_name, f"t{secrets.token_hex(5)}.pstn.twilio.com")
    times: dict[str, list[float]] = {host: [] for host in hosts}
    told: dict[str, set[tuple[int, str, tuple[str, ...]]]] = {host: set() for host in hosts}
    with Sender(tortured, "127.0.0.1") as sender:
        for _ in range(60):
            for host in hosts:
                mark = secrets.token_hex(6)
                uri, body = f"sip:{CALLED}@{host}", sdp().decode()
                request = (
                    f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {sender.address};branch=z9hG4bK{mark};rport\r\nMax-Forwards: 70\r\n"
                    f"From: <sip:x@y>;tag={mark}\r\nTo: <{uri}>\r\nCall-ID: {mark}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{sender.address}>\r\n"
                    f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                )
                begun = time.perf_counter()
                sender.send(request.encode())
                sender._socket.settimeout(2)
                answer = parse_sip(sender._socket.recv(65535).decode())
                times[host].append(time.perf_counter() - begun)
                told[host].add((answer.sip_status, answer.sip_reason, tuple(name for name, _ in answer.headers)))
    there, not_there = (sorted(times[host])[len(times[host]) // 4] for host in hosts)
    assert told[hosts[0]] == told[hosts[1]]
    assert there == pytest.approx(not_there, rel=0.5, abs=0.0005)


def test_shared_memory_is_given_back(tortured: LiveNode, shared_at_rest: int) -> None:
    """After all of the above."""
    grown = shared_memory(tortured) - shared_at_rest
    assert grown < SHARED_KIB, f"{shared_at_rest} KiB at rest, {grown:+} KiB"
