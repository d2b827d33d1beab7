"""A change is on the call path within a second, measured with calls that go on all the time; a rebuild changes none."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from demo_carrier import BUSY, CALLER, PAUSE, add_url
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import Credentials, PlainSip, Reply

from trunkline.node.ports import CARRIER_HOST
from trunkline.store.routing_file import content_digest

pytestmark = pytest.mark.live

WITHIN = 1.0
"""Seconds from the request to the API until no worker gives the old answer any more."""
SETTLED = 24
"""New answers in a row that show it: the edge has four workers, and one that lags would be among them."""

Answer = tuple[int, str | None]
Ask = Callable[[], Reply]


def seen(reply: Reply) -> Answer:
    """Status, and the code of X-Twilio-Error."""
    return reply.status, reply.twilio_error and reply.twilio_error.split(" ", 1)[0]


def settles(ask: Ask, before: Answer, after: Answer, change: Callable[[], object]) -> float:
    """Calls before, during and after `change`; how many seconds after it the last old answer came."""
    for _ in range(8):
        assert seen(ask()) == before
        time.sleep(PAUSE)
    started, done = time.monotonic(), threading.Event()

    def run() -> None:
        change()
        done.set()

    changing = threading.Thread(target=run)
    changing.start()
    in_a_row, last_old = 0, started
    while in_a_row < SETTLED:
        asked = time.monotonic()
        answer = seen(ask())
        assert answer in (before, after)
        if answer == before:
            in_a_row, last_old = 0, asked
            assert asked - started < 5 * WITHIN, f"still {before} after {asked - started:.1f} s"
        else:
            in_a_row += 1
        time.sleep(PAUSE)
    changing.join()
    assert done.is_set()
    return last_old - started


def caller_of(raw: PlainSip, trunk: LiveTrunk) -> Ask:
    """Calls of the trunk's PBX, with its password."""
    credentials = Credentials(trunk.username, trunk.password)
    return lambda: raw.invite(f"sip:{BUSY}@{trunk.domain_name}", caller=trunk.number, credentials=credentials)


def stranger_to(raw: PlainSip, trunk: LiveTrunk) -> Ask:
    """Calls without credentials."""
    return lambda: raw.invite(f"sip:{BUSY}@{trunk.domain_name}", caller=trunk.number)


@pytest.fixture
def from_carrier(node: LiveNode) -> Iterator[PlainSip]:
    with PlainSip(node.host, node.sip_port, source=CARRIER_HOST) as client:
        yield client


def test_a_new_trunk_takes_calls(node: LiveNode, raw: PlainSip) -> None:
    """From the very first request to the API: trunk, list, credential, number."""
    label, number = f"t{secrets.token_hex(5)}", f"+1555{secrets.randbelow(10**7):07d}"
    domain, password = f"{label}.pstn.twilio.com", f"Aa1{secrets.token_hex(10)}"

    def create() -> None:
        sid = node.api.create_trunk(FriendlyName=label, DomainName=domain)["sid"]
        listed = node.api.create_credential_list(label)["sid"]
        node.api.add_credential(listed, "alice", password)
        node.api.add_phone_number(number, trunk_sid=sid)
        node.api.attach_credential_list(sid, listed)

    ask = caller_of(raw, LiveTrunk("", domain, "alice", password, number))
    assert settles(ask, (403, "32200"), (486, None), create) < WITHIN


def test_a_trunk_that_is_deleted_takes_none(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    ask = caller_of(raw, trunk)
    assert settles(ask, (486, None), (403, "32200"), lambda: node.api.delete(f"/v1/Trunks/{trunk.sid}")) < WITHIN


def test_a_credential_that_is_deleted_opens_nothing(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    listed = next(node.api.list(f"/v1/Trunks/{trunk.sid}/CredentialLists"))["sid"]
    credentials = node.api.account_path(f"SIP/CredentialLists/{listed}/Credentials")
    (credential,) = node.api.list(f"{credentials}.json")
    ask = caller_of(raw, trunk)
    path = f"{credentials}/{credential['sid']}.json"
    assert settles(ask, (486, None), (403, "32202"), lambda: node.api.delete(path)) < WITHIN


@pytest.mark.parametrize("signed", [True, False])
def test_a_credential_list_that_is_detached(node: LiveNode, raw: PlainSip, signed: bool) -> None:
    """Without credentials, too: a challenge may be given twice, but not when the trunk no longer asks for one."""
    trunk = node.make_trunk()
    listed = next(node.api.list(f"/v1/Trunks/{trunk.sid}/CredentialLists"))["sid"]
    ask = caller_of(raw, trunk) if signed else stranger_to(raw, trunk)
    before: Answer = (486, None) if signed else (407, None)
    path = f"/v1/Trunks/{trunk.sid}/CredentialLists/{listed}"
    assert settles(ask, before, (403, "32200"), lambda: node.api.delete(path)) < WITHIN


def test_an_account_that_is_suspended_and_active_again(node: LiveNode, raw: PlainSip) -> None:
    account = node.make_account()
    trunk = node.make_trunk(api=account)
    path = f"/trunkline/v1/Accounts/{account.account_sid}"
    ask = caller_of(raw, trunk)
    good, bad = (486, None), (403, "10001")
    assert settles(ask, good, bad, lambda: node.api.post(path, Status="suspended")) < WITHIN
    assert settles(ask, bad, good, lambda: node.api.post(path, Status="active")) < WITHIN


def test_a_balance_that_is_used_up_and_topped_up(node: LiveNode, raw: PlainSip) -> None:
    account = node.make_account(Billing="prepaid", Balance="0.02")
    trunk = node.make_trunk(api=account)
    path = f"/trunkline/v1/Accounts/{account.account_sid}"
    ask = caller_of(raw, trunk)
    good, bad = (486, None), (403, "10001")
    assert settles(ask, good, bad, lambda: node.api.post(path, Credit="-0.02")) < WITHIN
    assert settles(ask, bad, good, lambda: node.api.post(path, Credit="10")) < WITHIN


def test_a_number_that_is_bought_and_its_first_url(node: LiveNode, from_carrier: PlainSip) -> None:
    trunk = node.make_trunk()
    number = f"+1556{secrets.randbelow(10**7):07d}"

    def ask() -> Reply:
        return from_carrier.invite(f"sip:{number}@{node.host}", caller=CALLER)

    unknown, no_url, dead = (404, None), (480, "32010"), f"sip:{node.host}:9;transport=tcp"
    assert settles(ask, unknown, no_url, lambda: node.api.add_phone_number(number, trunk_sid=trunk.sid)) < WITHIN
    started = time.monotonic()
    add_url(node, trunk, dead)
    # The status is the same; that there is something to try now, the reason says.
    wait_for(lambda: ask().twilio_error == "32010 No origination URL could take the call", "an attempt")
    assert time.monotonic() - started < WITHIN


# ---- a rebuild ------------------------------------------------------------------------------------------------------


@contextmanager
def calls_all_the_time(ask: Ask) -> Iterator[list[Answer]]:
    """One call after the other in a thread; what each of them got."""
    answers: list[Answer] = []
    enough = threading.Event()

    def run() -> None:
        while not enough.is_set():
            answers.append(seen(ask()))
            time.sleep(PAUSE)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        enough.set()
        thread.join()


def rebuild(node: LiveNode) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", "routing", "rebuild", "--json"],
        env=node.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    written: dict[str, object] = json.loads(done.stdout)
    return written


def test_a_rebuild_gives_the_same_content_while_calls_go_on(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    before = content_digest(node.settings.routing_db)
    with calls_all_the_time(caller_of(raw, trunk)) as answers:
        written = [rebuild(node) for _ in range(2)]
    assert len(answers) > 20
    assert set(answers) == {(486, None)}
    assert written[0] == written[1]
    assert content_digest(node.settings.routing_db) == before
    # And the publisher goes on from there.
    assert (
        settles(caller_of(raw, trunk), (486, None), (403, "32200"), lambda: node.api.delete(f"/v1/Trunks/{trunk.sid}"))
        < WITHIN
    )
