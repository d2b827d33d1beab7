from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.core.registration import Register, register
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.registrations import Registrations
from trunkline.node.registration_watch import KEEP_ALIVE_EVERY, RegistrationWatch, registered_in_words
from trunkline.settings import Settings

TRUNK = "TK" + "1" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.load({"home": tmp_path}, {})
    edge_socket(made).parent.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def kamailio(settings: Settings) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(edge_socket(settings)))
        server.settimeout(2)
        yield server


def put(settings: Settings, contacts: str, now: float | None = None, transport: str = "udp") -> None:
    now = time.time() if now is None else now
    request = Register(contacts, "60", contacts, 1, "192.0.2.1", 40000, transport)
    file = Registrations(settings.registrations_db)
    file.change(TRUNK, now, lambda before: register(request, TRUNK, before, now))
    file.close()


def orders(server: socket.socket) -> list[dict[str, object]]:
    found = []
    server.setblocking(False)
    try:
        while True:
            found.append(json.loads(server.recv(65535)))
    except BlockingIOError:
        return found


def test_contacts_behind_a_nat_hear_of_us_in_time(settings: Settings, kamailio: socket.socket) -> None:
    put(settings, "<sip:near@192.0.2.1:40000>, <sip:behind@10.0.0.1>")
    put(settings, "<sip:tcp@10.0.0.2>", transport="tcp")
    watch = RegistrationWatch(settings)
    watch.look(100.0)
    (order,) = orders(kamailio)
    assert order["method"] == "tm.t_uac_start"
    method, ruri, hop, _, headers = order["params"]  # type: ignore[misc]
    assert (method, ruri) == ("OPTIONS", "sip:keep-alive@10.0.0.1;transport=udp")
    assert hop == "sip:192.0.2.1:40000;transport=udp"
    assert headers.startswith("From: <sip:keep-alive@")
    watch.look(100.0 + KEEP_ALIVE_EVERY - 2)
    assert orders(kamailio) == []
    watch.look(100.0 + KEEP_ALIVE_EVERY)
    assert len(orders(kamailio)) == 1
    watch.close()


def test_what_has_expired_is_logged_once(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    put(settings, "<sip:gone@192.0.2.1>", time.time() - 61)
    put(settings, "<sip:here@192.0.2.1>")
    watch = RegistrationWatch(settings)
    with caplog.at_level(logging.INFO):
        for now in (2.0, 4.0, 6.0):
            watch.look(now)
    watch.close()
    assert [record.message.partition(" from ")[0] for record in caplog.records] == [
        f"registration expired: {TRUNK} at sip:gone@192.0.2.1"
    ]
    (line,) = registered_in_words(settings)
    assert line.startswith(f"{TRUNK} at sip:here@192.0.2.1 from udp:192.0.2.1:40000 for ")


def test_a_file_that_cannot_be_read_is_told_once(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.registrations_db.write_bytes(b"nothing of ours" * 100)
    watch = RegistrationWatch(settings)
    with caplog.at_level(logging.INFO):
        watch.look(2.0)
        watch.look(4.0)
    watch.close()
    assert len(caplog.records) == 1
    assert registered_in_words(settings)[0].startswith("cannot be read: ")


def test_nobody_registered_and_no_kamailio(settings: Settings) -> None:
    watch = RegistrationWatch(settings)
    watch.look(2.0)
    put(settings, "<sip:behind@10.0.0.1>")
    watch.look(4.0)
    watch.close()
    assert registered_in_words(settings)
