"""Floods, scanners and guessers are dropped at the edge; customers and carriers never are."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest
from live_node import LiveNode, wait_for
from plain_sip import Credentials, PlainSip, own_address
from raw_sip import sdp

from trunkline.api.client import ApiRefused
from trunkline.engines.kamailio.ban_list import BanList

pytestmark = pytest.mark.live

BUSY = "+15550100486"
BAN_SECONDS = 3


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """A node whose bans are short."""
    environment = {"TRUNKLINE_BAN_SECONDS": str(BAN_SECONDS)}
    with LiveNode(tmp_path_factory.mktemp("bans") / "home", environment=environment) as running:
        yield running


@pytest.fixture
def bans(guarded: LiveNode) -> BanList:
    return BanList(guarded.settings)


class Stranger:
    """A UDP socket of an address that nobody knows."""

    def __init__(self, node: LiveNode, source: str | None = None) -> None:
        self.source = source or own_address()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.source, 0))
        self._socket.connect((node.host, node.sip_port))
        self.port: int = self._socket.getsockname()[1]
        self.sent = self.received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(
        self, method: str, uri: str, *, body: bytes = b"", headers: str = "", agent: str = "x", to_tag: str = ""
    ) -> bytes:
        kind = "Content-Type: application/sdp\r\n" if body else ""
        user_agent = f"User-Agent: {agent}\r\n" if agent else ""
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.source}:{self.port};branch=z9hG4bK{secrets.token_hex(5)};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@b.example>;tag={secrets.token_hex(3)}\r\nTo: <{uri}>{to_tag}\r\n"
            f"Call-ID: {secrets.token_hex(6)}\r\nCSeq: 1 {method}\r\n{user_agent}{headers}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def send(self, request: bytes) -> None:
        self._socket.send(request)
        self.sent += len(request)

    def answer(self, within: float = 1.0) -> bytes:
        """The next answer; empty when none comes."""
        self._socket.settimeout(within)
        try:
            found = self._socket.recv(65535)
        except TimeoutError:
            return b""
        self.received += len(found)
        return found

    def drain(self, quiet: float = 0.3) -> int:
        count = 0
        while self.answer(quiet):
            count += 1
        return count


def banned(bans: BanList, address: str) -> str | None:
    found = bans.find(address)
    return found.offence.name if found else None


def ban_alerts(node: LiveNode, address: str) -> list[str]:
    return [
        alert["alert_text"]
        for alert in node.api.list("/v1/Alerts")
        if alert["alert_text"].startswith(f"{address} is banned")
    ]


def test_a_flood_is_banned_and_told_once(guarded: LiveNode, bans: BanList) -> None:
    with Stranger(guarded) as flood:
        uri = f"sip:{BUSY}@nobody.pstn.twilio.com"
        for _ in range(400):
            flood.send(
                flood.request("OPTIONS", f"sip:{guarded.host}", agent="a flood of options, all of them long enough")
            )
        wait_for(lambda: banned(bans, flood.source) == "FLOOD", "the ban")
        flood.drain()
        flood.send(flood.request("INVITE", uri, body=sdp()))
        assert flood.answer(0.3) == b""
        told = wait_for(lambda: ban_alerts(guarded, flood.source), "the alert of the ban")
        assert len(told) == 1
        assert f"banned for {BAN_SECONDS} s: more than 100 requests" in told[0]

    def counted() -> bool:
        """The recorder says what it has counted once a second."""
        text = httpx.get(f"{guarded.demo['api_url']}/metrics", trust_env=False, timeout=10).text
        return 'trunkline_bans_total{offence="flood"} 1' in text.splitlines()

    wait_for(counted, "the metric of the ban")


def test_a_ban_expires_doubles_and_can_be_lifted(guarded: LiveNode, bans: BanList) -> None:
    with Stranger(guarded) as scanner:
        options = f"sip:{guarded.host}:{guarded.sip_port}"
        long = "Accept: application/sdp, application/pidf+xml, text/plain, message/cpim\r\n"
        scanner.send(scanner.request("OPTIONS", options, agent="friendly-scanner", headers=long))
        assert scanner.answer(0.3) == b""
        first = bans.find(scanner.source)
        assert first is not None
        assert (first.offence.name, first.until - first.since, first.number) == ("SCANNER", BAN_SECONDS, 1)
        wait_for(lambda: bans.find(scanner.source) is None, "the end of the ban", within=BAN_SECONDS + 2)

        def is_heard() -> bool:
            scanner.send(scanner.request("OPTIONS", options, headers=long))
            return scanner.answer().startswith(b"SIP/2.0 200")

        # Kamailio counts in whole seconds, and a ban holds to the end of its last one.
        wait_for(is_heard, "the edge listening again", within=10.0)
        scanner.send(scanner.request("INVITE", options, agent="sipcli/v1.8", body=sdp()))
        assert scanner.answer(0.3) == b""
        again = bans.find(scanner.source)
        assert again is not None
        assert (again.until - again.since, again.number) == (2 * BAN_SECONDS, 2)
        assert bans.lift(scanner.source)
        assert not bans.lift(scanner.source)
        wait_for(is_heard, "the edge listening after the ban was lifted", within=5.0)


def test_guessing_passwords_ends_in_a_ban(guarded: LiveNode, bans: BanList) -> None:
    trunk = guarded.make_trunk()
    with PlainSip(guarded.host, guarded.sip_port, source=own_address()) as guesser:
        for n in range(11):
            guess = Credentials(trunk.username if n % 2 else f"user{n}", f"Wrong1Password{n}")
            reply = guesser.invite(f"sip:{BUSY}@{trunk.domain_name}", credentials=guess)
            assert reply.status == 403
        assert banned(bans, guesser.source) == "GUESSING"


def test_looking_for_trunks_ends_in_a_ban(guarded: LiveNode, bans: BanList) -> None:
    with PlainSip(guarded.host, guarded.sip_port, source=own_address()) as prober:
        for n in range(21):
            assert prober.invite(f"sip:{BUSY}@probe{n}.pstn.twilio.com").status == 403
        assert banned(bans, prober.source) == "PROBING"


def test_somebody_is_never_banned(guarded: LiveNode, bans: BanList) -> None:
    """An address of an access list, from the second in which it is there; one that has answered a challenge."""
    with Stranger(guarded) as listed:
        guarded.make_trunk(acl=f"{listed.source}/32")
        for _ in range(300):
            listed.send(listed.request("INVITE", f"sip:{BUSY}@nobody.pstn.twilio.com", agent="friendly-scanner"))
        listed.drain()
        assert banned(bans, listed.source) is None
    trunk = guarded.make_trunk()
    with PlainSip(guarded.host, guarded.sip_port, source=own_address()) as customer:
        good = Credentials(trunk.username, trunk.password)
        uri = f"sip:{BUSY}@{trunk.domain_name}"
        assert customer.invite(uri, caller=trunk.number, credentials=good).status == 486
        for n in range(15):
            assert customer.invite(uri, credentials=Credentials(trunk.username, f"Wrong1Password{n}")).status == 403
        assert banned(bans, customer.source) is None
        assert customer.invite(uri, caller=trunk.number, credentials=good).status == 486


def test_a_carrier_is_never_banned(guarded: LiveNode, bans: BanList) -> None:
    """Not even one that floods, calls itself a scanner and asks for numbers that nobody has; its neighbour is."""
    carrier = guarded.api.post("/trunkline/v1/Carriers", FriendlyName="Loud")["sid"]
    with Stranger(guarded) as ours, Stranger(guarded) as neighbour:
        guarded.api.post(f"/trunkline/v1/Carriers/{carrier}/Addresses", Network=f"{ours.source}/32")
        guarded.wait_published()
        number = f"sip:+15557779999@{guarded.host}"
        for source in (ours, neighbour):
            for _ in range(300):
                source.send(source.request("INVITE", number, agent="friendly-scanner", body=sdp()))
        wait_for(lambda: banned(bans, neighbour.source) == "SCANNER", "the ban of the neighbour")
        ours.drain()
        assert banned(bans, ours.source) is None
        # Nor do its wrong numbers add up to an offence: it is heard, and told what is wrong with its call.
        ours.send(ours.request("INVITE", number, body=sdp()))
        assert b" 404 " in wait_for(ours.answer, "an answer for the carrier").split(b"\r\n")[0]
    guarded.api.delete(f"/trunkline/v1/Carriers/{carrier}")


def test_who_floods_by_tls_is_banned_too(guarded: LiveNode, bans: BanList) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    source = own_address()
    plain = socket.create_connection((guarded.host, guarded.tls_port), 5, source_address=(source, 0))
    with Stranger(guarded, source) as writer, context.wrap_socket(plain) as client:
        client.settimeout(2)
        text = writer.request("OPTIONS", f"sip:{guarded.host}").replace(b"/UDP", b"/TLS")
        client.sendall(text)
        assert client.recv(4096).startswith(b"SIP/2.0 200")
        for _ in range(150):
            client.sendall(writer.request("OPTIONS", f"sip:{guarded.host}").replace(b"/UDP", b"/TLS"))
        wait_for(lambda: banned(bans, source) == "FLOOD", "the ban", within=3)
        front = BanList(guarded.settings)._front
        wait_for(lambda: front.call("htable.dump", ["banned"]), "the ban in the TLS front", within=2)


def test_a_stranger_in_a_dialog_gets_no_answer(guarded: LiveNode) -> None:
    with Stranger(guarded) as stranger:
        for method in ("BYE", "INVITE", "UPDATE", "CANCEL", "ACK"):
            tag = "" if method == "CANCEL" else ";tag=x"
            stranger.send(stranger.request(method, f"sip:{BUSY}@{guarded.host}", to_tag=tag))
            assert stranger.answer(0.2) == b"", method


def test_nobody_gets_more_than_it_sent_but_for_one_challenge(guarded: LiveNode, bans: BanList) -> None:
    """Every kind of answer, asked for as briefly as can be."""
    trunk = guarded.make_trunk()
    hosts = (guarded.host, trunk.domain_name, "nobody.pstn.twilio.com")
    unpaid = 0
    with Stranger(guarded) as tiny:
        for host in hosts:
            for method in ("OPTIONS", "INVITE", "REGISTER", "SUBSCRIBE", "MESSAGE", "FOO", "BYE", "CANCEL"):
                for _ in range(2):
                    request = tiny.request(method, f"sip:{host}", agent="")
                    tiny.send(request)
                    unpaid += len(tiny.answer(0.15)) > len(request)
        for broken in (b"Max-Forwards: 0", b"CSeq: 0 X", b"Content-Length: 77", b"From: x", b""):
            name = broken.partition(b":")[0]
            lines = tiny.request("INVITE", f"sip:{hosts[0]}", agent="").split(b"\r\n")
            request = b"\r\n".join(broken if name and line.startswith(name + b":") else line for line in lines)
            tiny.send(request)
            unpaid += len(tiny.answer(0.15)) > len(request)
        assert unpaid <= 2  # one answer in ten seconds
        assert tiny.received < tiny.sent


def test_bans_by_command_and_by_api(guarded: LiveNode) -> None:
    address = own_address()

    def trunkline(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "trunkline.cli.main", "bans", *words, "--home", str(guarded.home)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)

    assert trunkline("add", address, "--seconds", "600").returncode == 0
    with Stranger(guarded, address) as stranger:
        stranger.send(stranger.request("OPTIONS", f"sip:{guarded.host}", agent="x" * 80))
        assert stranger.answer(0.3) == b""
        listed = json.loads(trunkline("list", "--json").stdout)
        assert [ban["offence"] for ban in listed if ban["address"] == address] == ["OPERATOR"]
        found = guarded.api.get(f"/trunkline/v1/Bans/{address}")
        assert (found["offence"], found["number"]) == ("operator", 1)
        assert address in [ban["address"] for ban in guarded.api.get("/trunkline/v1/Bans")["bans"]]
        guarded.api.delete(f"/trunkline/v1/Bans/{address}")
        assert trunkline("lift", address).returncode == 1
        stranger.send(stranger.request("OPTIONS", f"sip:{guarded.host}", agent="x" * 80))
        assert stranger.answer().startswith(b"SIP/2.0 200")
    assert guarded.api.post("/trunkline/v1/Bans", Address="2001:db8::7")["address"] == "2001:db8::7"
    assert trunkline("lift", "2001:db8:0::7").returncode == 0
    nonsense = trunkline("lift", "nonsense")
    assert (nonsense.returncode, "is not an IP address" in nonsense.stderr) == (2, True)
    with pytest.raises(ApiRefused, match="21238"):
        guarded.api.post("/trunkline/v1/Bans", Address="nonsense")


def test_the_log_is_quiet(guarded: LiveNode) -> None:
    errors = [line for line in guarded.settings.log_file.read_text().splitlines() if '"level": "error"' in line]
    assert errors == []


def test_where_the_commands_find_it(tmp_path: Path) -> None:
    """A node that does not run is said so (in trunkline bans: exit status 2)."""
    from trunkline.engines.kamailio.rpc import KamailioUnreachable
    from trunkline.settings import Settings

    with pytest.raises(KamailioUnreachable):
        BanList(Settings(home=tmp_path)).all()
