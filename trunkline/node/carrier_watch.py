"""Carriers from this node's side: which targets answer OPTIONS, and whether we are registered where we should be.

A thread of the publisher. It reads routing.db, so it goes on while the database is away, and writes what it knows into
`run/carriers.json` (engines/kamailio/carrier_state.py); the edge, the API and `trunkline status` read it. Changes are
alerts.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from trunkline.core import carrier_digest, sip_uri
from trunkline.core.carrier_health import TargetHealth
from trunkline.core.carrier_registration import Registration, granted_seconds
from trunkline.core.cause import Cause, cause_texts
from trunkline.core.routing_data import CarrierRow, CarrierTargetRow
from trunkline.engines.kamailio.carrier_state import STATE_FILE, as_text
from trunkline.engines.kamailio.routing import RoutingDb
from trunkline.engines.kamailio.spool import Spool
from trunkline.node.edge_line import Answer, EdgeAway, EdgeLine
from trunkline.settings import Settings

LOOK_EVERY = 0.2
WRITE_EVERY = 5.0
"""Seconds between two writes of the file where nothing has changed: readers take an old one for nobody's."""
FORGET_AFTER = 15.0
"""Seconds after which a request that got no answer at all, not even the edge's own 408, is given up."""
FIRST_WITHIN = 1.0
"""Seconds within which the first OPTIONS to a new target goes out."""

_log = logging.getLogger("trunkline.publisher")


@dataclass(slots=True)
class Probe:
    """One target that is probed."""

    carrier: CarrierRow
    target: CarrierTargetRow
    next_at: float
    health: TargetHealth = field(default_factory=TargetHealth)


@dataclass(slots=True)
class Asked:
    """A request that waits for its answer."""

    at: float
    probe: Probe | None = None
    carrier: CarrierRow | None = None
    uri: str = ""


@dataclass(slots=True)
class Desk:
    """One registration, with what all its requests share (RFC 3261 section 10.2)."""

    carrier: CarrierRow
    uri: str
    state: Registration
    call_id: str = field(default_factory=lambda: secrets.token_hex(12))
    tag: str = field(default_factory=lambda: secrets.token_hex(6))


class CarrierWatch:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = settings.run_dir / STATE_FILE
        self._spool = Spool(Path(settings.spool_dir))
        self._routing: RoutingDb | None = None
        self._line: EdgeLine | None = None
        self._probes: dict[str, Probe] = {}
        self._desks: dict[str, Desk] = {}
        self._asked: dict[str, Asked] = {}
        self._write_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                self.step(time.time())
            except EdgeAway:
                self._hang_up()
                stop.wait(0.5)
            except (sqlite3.Error, OSError) as problem:
                _log.debug("carriers are not watched: %s", problem)
                self._forget_routing()
                stop.wait(1.0)
            except Exception:  # noqa: BLE001  the thread would end, and every target would stay as it is
                _log.exception("carriers are not watched for a while")
                self._hang_up()
                stop.wait(5.0)
        self._hang_up()

    def step(self, now: float) -> None:
        """Send what is due and take what has come. Raises EdgeAway, sqlite3.Error, OSError."""
        self._read_carriers(now)
        if not self._probes and not self._desks:
            self._write(now)
            time.sleep(LOOK_EVERY)
            return
        if self._line is None:
            self._line = EdgeLine(self._settings.run_dir / "edge.json")
        line = self._line
        for probe in self._probes.values():
            if probe.next_at <= now:
                probe.next_at = now + probe.carrier.probe_seconds
                self._send_options(line, probe, now)
        for desk in self._desks.values():
            if desk.state.next_at <= now:
                self._register(line, desk, now)
        for answer in line.answers(LOOK_EVERY):
            self._take(line, answer, time.time())
        for call_id in [call_id for call_id, asked in self._asked.items() if asked.at < now - FORGET_AFTER]:
            del self._asked[call_id]
        self._write(now)

    def _forget_routing(self) -> None:
        if self._routing is not None:
            self._routing.close()
        self._routing = None

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None
        self._asked.clear()
        for desk in self._desks.values():
            desk.state.next_at = min(desk.state.next_at, time.time() + 1.0)

    # ---- what there is to watch -------------------------------------------------------------------------------------

    def _read_carriers(self, now: float) -> None:
        if self._routing is None:
            self._routing = RoutingDb(self._settings.routing_db)
        if not self._routing.refresh(now):
            return
        before, self._probes = self._probes, {}
        desks, self._desks = self._desks, {}
        for carrier, targets in self._routing.carriers_with_targets():
            if not carrier.enabled:
                continue
            usable = [target for target in targets if target.enabled]
            if carrier.probe_seconds:
                for target in usable:
                    self._probes[target.sid] = _kept(before.get(target.sid), carrier, target, now)
            uri = carrier.registrar or (min(usable, key=lambda row: row.priority).sip_uri if usable else None)
            if carrier.register and uri is not None:
                self._desks[carrier.sid] = _desk(desks.get(carrier.sid), carrier, uri)
        self._write_at = 0.0

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _send_options(self, line: EdgeLine, probe: Probe, now: float) -> None:
        call_id, uri = secrets.token_hex(12), probe.target.sip_uri
        ours = line.contact(_transport(uri))
        self._asked[call_id] = Asked(now, probe)
        line.send(
            "OPTIONS",
            uri,
            sender=f"sip:{ours.partition(';')[0]}",
            to=uri.partition(";")[0],
            call_id=call_id,
            tag=secrets.token_hex(6),
            cseq=1,
            headers=f"Contact: <sip:{ours}>\r\nAccept: application/sdp\r\n",
        )

    def _register(self, line: EdgeLine, desk: Desk, now: float, authorization: str = "") -> None:
        carrier, state = desk.carrier, desk.state
        uri = sip_uri.parse(desk.uri)
        us = f"sip:{carrier.auth_username}@{carrier.from_domain or uri.host_port}"
        state.cseq += 1
        state.authorized = bool(authorization)
        state.next_at = now + FORGET_AFTER + 1
        self._asked[desk.call_id] = Asked(now, carrier=carrier, uri=desk.uri)
        contact = f"Contact: <sip:{carrier.sid}@{line.contact(_transport(desk.uri))}>\r\n"
        line.send(
            "REGISTER",
            desk.uri,
            sender=us,
            to=us,
            call_id=desk.call_id,
            tag=desk.tag,
            cseq=state.cseq,
            headers=f"{contact}Expires: {state.expires}\r\n{authorization}",
        )

    def _take(self, line: EdgeLine, answer: Answer, now: float) -> None:
        asked = self._asked.pop(answer.call_id, None)
        if asked is None:
            return
        if asked.probe is not None:
            self._note_probe(asked.probe, answer, now)
        elif asked.carrier is not None and asked.carrier.sid in self._desks:
            self._note_registration(line, self._desks[asked.carrier.sid], answer, now)

    def _note_probe(self, probe: Probe, answer: Answer, now: float) -> None:
        since = probe.health.since
        news = probe.health.note(answer.status, answer.reason, probe.carrier.probe_misses, now)
        if probe.health.state == "up" or news:
            self._write_at = 0.0
        if news is None:
            return
        cause = Cause.CARRIER_DOWN if news == "down" else Cause.CARRIER_UP
        seen: dict[str, object] = {
            "carrier": probe.carrier.sid,
            "url": probe.target.sip_uri,
            "limit": probe.health.misses,
            "why": probe.health.answer,
            "seconds": round(now - since),
        }
        self._alert(cause, seen | {"target": probe.target.sid}, now)

    def _note_registration(self, line: EdgeLine, desk: Desk, answer: Answer, now: float) -> None:
        state = desk.state
        before = state.state
        least = answer.first("Min-Expires")
        granted = granted_seconds(
            [part for value in answer.every("Contact") for part in value.split(",")],
            desk.carrier.sid,
            answer.first("Expires"),
        )
        step = state.note(answer.status, answer.reason, granted, int(least) if least.isdecimal() else None, now)
        if step == "authorize":
            name = "WWW-Authenticate" if answer.status == 401 else "Proxy-Authenticate"
            try:
                value = carrier_digest.answer(
                    ",".join(answer.every(name)), desk.carrier, "REGISTER", desk.uri, secrets.token_hex(8)
                )
            except carrier_digest.Unanswerable as problem:
                state.failed(f"{answer.status}: {problem}", now)
            else:
                self._register(line, desk, now, f"{carrier_digest.header_name(answer.status)}: {value}\r\n")
        self._write_at = 0.0
        if state.state == "failed" and before != "failed":
            seen: dict[str, object] = {"carrier": desk.carrier.sid, "url": desk.uri, "why": state.answer}
            self._alert(Cause.CARRIER_REGISTRATION, seen, now)

    # ---- telling ----------------------------------------------------------------------------------------------------

    def _alert(self, cause: Cause, seen: dict[str, object], now: float) -> None:
        text = cause_texts(cause, seen)[1]
        _log.info("%s", text)
        edge = self._line.edge if self._line is not None else None
        event = {
            "e": "alert",
            "at": now,
            "edge": edge,
            "code": cause.code,
            "level": cause.level,
            "text": text,
            "source": None,
            "account": None,
            "trunk": None,
            "seen": {"cause": cause.name, **seen},
        }
        self._spool.append(json.dumps(event), now)

    def _write(self, now: float) -> None:
        if now < self._write_at:
            return
        self._write_at = now + WRITE_EVERY
        new = self._file.with_suffix(".new")
        new.write_text(
            as_text(
                {sid: probe.health for sid, probe in self._probes.items()},
                {sid: desk.state for sid, desk in self._desks.items()},
            )
        )
        new.replace(self._file)


def _kept(known: Probe | None, carrier: CarrierRow, target: CarrierTargetRow, now: float) -> Probe:
    """What is known of a target stays known as long as it is the same address."""
    if known is None or known.target.sip_uri != target.sip_uri:
        return Probe(carrier, target, now + secrets.randbelow(1000) / 1000 * FIRST_WITHIN)
    known.carrier, known.target = carrier, target
    known.next_at = min(known.next_at, now + carrier.probe_seconds)
    return known


def _desk(known: Desk | None, carrier: CarrierRow, uri: str) -> Desk:
    if known is not None and known.uri == uri and known.carrier[7:] == carrier[7:]:
        known.carrier = carrier
        return known
    return Desk(carrier, uri, Registration(carrier.register_expires))


def _transport(uri: str) -> str:
    return (sip_uri.parse(uri).param("transport") or "udp").lower()
