"""The tracer program: the edge mirrors its SIP messages here (HEP 3 over UDP on loopback), and every call that failed
or sounded poor is handed to the trace analyzer when it is over. Its findings stand beside the call's record.

Nothing waits for it: a call is carried and recorded the same when the tracer is down or slow. It has a budget: beyond
that share of one processor, messages are kept and calls are not judged.
"""

from __future__ import annotations

import logging
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from trunkline.analyzer.model.capture import Place, RawMessage
from trunkline.analyzer.read.hep import SIP, read_hep3
from trunkline.engines.kamailio.config import loopback
from trunkline.node import program_log
from trunkline.node.call_judge import CarriedCall, capture_of, judge_call, running_profile
from trunkline.node.trace_buffer import TraceBuffer, TracedCall, both_sides
from trunkline.settings import Ports, Settings
from trunkline.store.call_analyses import calls_by_sip_call_id, forget_old, save_analysis
from trunkline.store.database import Database, open_database
from trunkline.store.errors import StoreUnavailable
from trunkline.store.models import Call

LOOK_EVERY = 0.25
REST = 0.02
"""Seconds that it rests when it has read all there was: a SIP worker that sends to a program that waits has to wake it,
which costs the worker more than the sending. At 300 calls/s some 100 messages come in that time, 250 kB of the socket's
room."""
RECORD_WITHIN = 20.0
"""Seconds in which the recorder will have stored the end of a call."""
BUDGET = 0.25
"""Share of one processor that judging may take."""
MEMORY = 1 << 30
FORGET_EVERY = 3600.0
MOST_WAITING = 2_000

_log = logging.getLogger("trunkline.tracer")


class Tracer:
    def __init__(self, settings: Settings, port: int) -> None:
        self._settings = settings
        self._buffer = TraceBuffer()
        self._waiting: list[tuple[float, TracedCall]] = []
        """Calls that are over and whose record is not there yet: until when, messages."""
        self._profile = running_profile(settings)
        self._stopped = False
        self._credit = 1.0
        self._credited = time.monotonic()
        self._forget_at = 0.0
        host = loopback(settings)
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((host, port))
        self._socket.setblocking(False)

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        """Until `stop`."""
        database = open_database(self._settings)
        looked = 0.0
        try:
            while not self._stopped:
                self._receive()
                now = time.monotonic()
                if now - looked >= LOOK_EVERY:
                    looked = now
                    self._look(database, now)
        finally:
            self._socket.close()
            database.close()

    def _receive(self) -> None:
        """What there is, at most `LOOK_EVERY` seconds of it; waits for the first message and rests after the last."""
        if not select.select([self._socket], [], [], LOOK_EVERY)[0]:
            return
        until = time.monotonic() + LOOK_EVERY
        while not self._stopped and time.monotonic() < until:
            try:
                data = self._socket.recv(65_535)
            except BlockingIOError:
                time.sleep(REST)
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        packet = read_hep3(data)
        if packet is None or packet.kind != SIP or not packet.payload:
            return
        message = RawMessage(
            packet.payload,
            Place(),
            packet.time_ns / 1e9 if packet.time_ns is not None else time.time(),
            packet.src,
            packet.dst,
            packet.transport,
            "packet",
        )
        self._buffer.add(message, time.monotonic())

    def _look(self, database: Database, now: float) -> None:
        self._waiting += [(now + RECORD_WITHIN, call) for call in self._buffer.over(now)]
        del self._waiting[:-MOST_WAITING]
        if not self._waiting and now < self._forget_at:
            return
        try:
            self._judge_recorded(database, now)
            if now >= self._forget_at:
                self._forget_at = now + FORGET_EVERY
                with database.write() as session:
                    forget_old(session)
        except StoreUnavailable:
            pass  # the recorder says it; what waits here waits on
        except SQLAlchemyError as problem:
            # A row that no database takes, or a store that is being migrated: nobody waits for these calls' judge.
            _log.warning("calls were not judged: %s", str(problem).splitlines()[0])
            self._waiting = [entry for entry in self._waiting if entry[0] > now]

    def _judge_recorded(self, database: Database, now: float) -> None:
        """One question for all that wait: most calls are good, and a question each would cost more than their judge."""
        began_us = {call.call_id: int(((call.messages[0].time or time.time()) - 60) * 1e6) for _, call in self._waiting}
        with database.read() as session:
            rows = calls_by_sip_call_id(session, began_us)
            recorded = {call_id: carried(row) for call_id, row in rows.items() if row.ended_us is not None}
        waiting: list[tuple[float, TracedCall]] = []
        other_sides = {traced.call_id: traced for _, traced in self._waiting}
        taken = set()
        for until, traced in self._waiting:
            call = recorded.get(traced.call_id)
            if call is None:
                if now < until:
                    waiting.append((until, traced))
                continue
            # Where the caller's Call-ID names a place, topology hiding gives the callee the call's SID in its stead.
            hidden = call.sid[2:]
            taken.add(hidden)
            other = other_sides.get(hidden) or self._buffer.take(hidden)
            if call.is_worth_judging:
                whole = traced if other is None else both_sides(traced, other)
                document = self._judge(call, whole)
                with database.write() as session:
                    save_analysis(session, call.sid, document, capture_of(whole.messages))
        self._waiting = [entry for entry in waiting if entry[1].call_id not in taken]

    def _judge(self, call: CarriedCall, traced: TracedCall) -> dict[str, Any] | None:
        now = time.monotonic()
        self._credit = min(5.0, self._credit + (now - self._credited) * BUDGET)
        self._credited = now
        if self._credit < 0:
            return None
        began = time.process_time()
        try:
            return judge_call(call, traced.messages, self._profile)
        except Exception:  # noqa: BLE001  a rule that fails must not cost the other calls their judge
            names = {"call_id": traced.call_id, "call_sid": call.sid}
            _log.exception("call %s could not be judged", call.sid, extra=names)
            return None
        finally:
            self._credit -= time.process_time() - began


def carried(row: Call) -> CarriedCall:
    """What the judge wants to know of a record."""
    return CarriedCall(
        sid=row.sid,
        direction=row.direction,
        status=row.status,
        error_code=row.error_code,
        answered=None if row.answered_us is None else row.answered_us / 1e6,
        ended=None if row.ended_us is None else row.ended_us / 1e6,
        codec=row.codec,
        customer_packets=row.customer_packets,
        customer_lost=row.customer_lost,
        customer_jitter_ms=row.customer_jitter_ms,
        customer_mos=row.customer_mos,
        carrier_packets=row.carrier_packets,
    )


def main() -> int:
    settings = Settings.load({}, os.environ)
    program_log.start(settings)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(5)  # where processors are short, calls and their records go first
    tracer = Tracer(settings, Ports.read(settings.ports_file).tracer)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: tracer.stop())
    tracer.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
