"""Keeps the way to registered PBXs open, and says in the log when one of them has expired.

A NAT forgets a UDP flow after as little as 30 s without a packet. So each contact behind one gets an OPTIONS from the
edge's own socket, in time: Kamailio sends it, by its RPC, and what comes back is of no interest (RFC 5626 section 4.4.2
would have the PBX do this by STUN, which few can). Connections are kept by their own keep-alives.
"""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import time

from trunkline.core.registration import Contact, needs_keep_alive, next_hop, request_uri
from trunkline.core.sip_uri import bracketed
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.registrar import in_words
from trunkline.engines.kamailio.registrations import Registrations
from trunkline.settings import Settings

LOOK_EVERY = 2.0
"""Seconds between two looks for contacts that have expired, or want a packet."""
KEEP_ALIVE_EVERY = 25.0
"""Seconds between two packets to a contact behind a NAT: less than any NAT's memory of a UDP flow."""
PATIENCE = 0.2
"""Seconds that Kamailio may take to say that it has sent one; it takes less than a millisecond."""
BUSY_MOST = 0.5
"""Seconds of one look that go into packets; those that are left go with the next one."""
KNOCK = "keep-alive"
"""User part of the OPTIONS."""

_log = logging.getLogger("trunkline.recorder")


class RegistrationWatch:
    def __init__(self, settings: Settings) -> None:
        self._registrations = Registrations(settings.registrations_db)
        self._edge = edge_socket(settings)
        self._host = bracketed(settings.public_ip or settings.sip_host)
        self._look_at = 0.0
        self._knocked: dict[tuple[str, str], float] = {}
        """(trunk, contact) → when, in monotonic seconds."""
        self._broken = False
        self._client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._client.settimeout(PATIENCE)
        self._client.bind("")  # a name of the kernel's own, so that the answers have a place to go to

    def look(self, now: float) -> None:
        """From time to time. `now`: monotonic seconds. Takes BUSY_MOST and PATIENCE at most."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        unix = time.time()
        try:
            for contact in self._registrations.take_expired(unix):
                _log.info("registration expired: %s", in_words(contact, unix))
            contacts = self._registrations.all(unix)
        except sqlite3.Error as problem:
            if not self._broken:
                _log.warning("the registrations cannot be read: %s", problem)
            self._broken = True
            return
        self._broken = False
        self._keep_alive([contact for contact in contacts if needs_keep_alive(contact)], now)

    def close(self) -> None:
        self._registrations.close()
        self._client.close()

    def _keep_alive(self, contacts: list[Contact], now: float) -> None:
        known = {(contact.trunk_sid, contact.uri): contact for contact in contacts}
        self._knocked = {key: at for key, at in self._knocked.items() if key in known}
        due = [key for key in known if now - self._knocked.get(key, now - KEEP_ALIVE_EVERY) >= KEEP_ALIVE_EVERY]
        if not due:
            return
        self._forget_answers()
        stop = time.monotonic() + BUSY_MOST
        for key in due:
            try:
                self._client.sendto(json.dumps(self._order(known[key])).encode(), str(self._edge))
                self._client.recv(4096)
            except OSError:
                return  # Kamailio is not there, or busy: next time
            finally:
                self._knocked[key] = now
            if time.monotonic() > stop:
                return

    def _forget_answers(self) -> None:
        """Of orders that Kamailio took too long for."""
        self._client.setblocking(False)
        try:
            while self._client.recv(4096):
                pass
        except BlockingIOError:
            self._client.settimeout(PATIENCE)

    def _order(self, contact: Contact) -> dict[str, object]:
        """Kamailio's `tm.t_uac_start`: method, Request-URI, next hop, socket, headers."""
        here = f"sip:{KNOCK}@{self._host}"
        ruri = request_uri(contact, KNOCK)
        headers = f"From: <{here}>\r\nTo: <{ruri}>\r\n"
        params = ["OPTIONS", ruri, next_hop(contact), ".", headers]
        return {"jsonrpc": "2.0", "method": "tm.t_uac_start", "params": params, "id": 1}


def registered_in_words(settings: Settings) -> list[str]:
    """One line for each contact of each trunk of this home, now."""
    registrations = Registrations(settings.registrations_db)
    now = time.time()
    try:
        return [in_words(contact, now) for contact in registrations.all(now)]
    except sqlite3.Error as problem:
        return [f"cannot be read: {problem}"]
    finally:
        registrations.close()
