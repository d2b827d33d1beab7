"""`trunkline up`: one node, from its settings to its orderly end.

Everything that can be wrong is looked at before anything starts; what goes wrong while it starts ends all of it again.
Exit statuses: 0 ended as asked, 2 could not start.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from trunkline.engines.kamailio.config import KamailioMissing, edge_socket
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioRpc, KamailioUnreachable
from trunkline.node import certificates, demo, demo_call, home, lifeline, ports, preflight, readiness, started
from trunkline.node.certificate_reload import CertificateWatch
from trunkline.node.programs import node_programs
from trunkline.node.supervisor import FATAL, Program, Supervisor, SupervisorGone, mark_of
from trunkline.settings import Ports, Settings, SettingsError
from trunkline.store import accounts, schema
from trunkline.store.database import Database, open_database
from trunkline.store.errors import StoreError, StoreUnavailable
from trunkline.store.publish import Publisher

EXIT_OK = 0
EXIT_CANNOT_START = 2
STOP_WITHIN = 30.0
"""Seconds that all programs together may take to stop."""
LOOK_EVERY = 0.5
LEFT_AT_LAST = "processes that were left after the stop"
START_AGAIN_AFTER = 15.0
"""Seconds after which a program that was given up gets another chance."""

CANNOT_START = (
    preflight.PreflightError,
    home.HomeError,
    certificates.CertificateError,
    KamailioMissing,
    SettingsError,
    StoreError,
    readiness.NotReady,
    OSError,  # a file of the home that is a folder, or not ours to read; a full disk
)
Say = Callable[[str], None]


class Signals:
    """SIGTERM, SIGINT and SIGHUP as a count: the first asks for an orderly end, the second for one at once."""

    def __init__(self) -> None:
        self.count = 0
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a signal."""
        self._wake.settimeout(max(seconds, 0.001))
        try:
            self._wake.recv(64)
        except TimeoutError:
            return

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.count += 1


@dataclass(slots=True)
class Prepared:
    """A node that could start."""

    ports: Ports
    programs: list[Program]
    demo: demo.Demo | None
    without_database: str | None
    """Why the database is away, where it is: calls are routed with what routing.db holds."""


def run(settings: Settings, *, with_demo: bool, say: Say) -> int:
    """Start the node, keep it up until a signal comes, stop it. `say` gets lines for a person."""
    signals = Signals()
    preflight.extend_path()
    try:
        preflight.check_options(settings, demo=with_demo)
        preflight.check_programs(demo=with_demo)
        home.prepare(settings)
        held = home.lock(settings)
    except CANNOT_START as problem:
        return refuse(problem)
    supervisor: Supervisor | None = None
    try:
        prepared = prepare(settings, with_demo=with_demo)
        if signals.count:
            return EXIT_OK
        supervisor = Supervisor(settings, prepared.programs)
        supervisor.start()
        readiness.wait(settings, prepared.ports, supervisor, signals, degraded=prepared.without_database is not None)
        if signals.count == 0:
            greet(settings, prepared, say)
            watch(settings, supervisor, signals, say)
            drain(settings, signals, say)
        return EXIT_OK
    except CANNOT_START as problem:
        return refuse(problem)
    finally:
        if supervisor is not None:
            stop(supervisor, signals)
        sweep(settings, in_order=signals.count < 2)
        del held  # the lock goes with this process, after everything else


def refuse(problem: Exception) -> int:
    text = str(problem)
    if isinstance(problem, OSError) and problem.filename and problem.strerror:
        text = f"{problem.filename}: {problem.strerror}"
    line = " ".join(text.split())
    sys.stderr.write(f"trunkline: {line}\n")
    return EXIT_CANNOT_START


def prepare(settings: Settings, *, with_demo: bool) -> Prepared:
    """Everything before the first program starts. Raises one of CANNOT_START."""
    if left := lifeline.kill_marked(mark_of(settings), spare=set()):
        sys.stderr.write(f"trunkline: ended {len(left)} processes that an earlier, killed `trunkline up` had left\n")
    preflight.check_ports(settings)
    chosen = ports.choose(settings)
    started.remember(settings)
    certificates.ensure(settings, datetime.now(UTC))
    secret = home.secret(settings)
    shown: demo.Demo | None = None
    away: str | None = None
    database = open_database(settings)
    try:
        shown = prepare_store(settings, chosen, database, with_demo=with_demo)
    except StoreUnavailable as problem:
        # Calls do not need the database. Without a routing.db, though, there would be no call to route.
        if not settings.routing_db.exists():
            raise
        away = " ".join(str(problem).split())
    finally:
        database.close()
    return Prepared(chosen, node_programs(settings, chosen, secret, demo=with_demo), shown, away)


def prepare_store(settings: Settings, chosen: Ports, database: Database, *, with_demo: bool) -> demo.Demo | None:
    """Tables, the first account, the demo's rows, and routing.db up to date before the edge reads it."""
    schema.upgrade(database.engine.url)
    with database.write() as session:
        account = accounts.platform_account(session)
        credentials = {"account_sid": account.sid, "auth_token": account.auth_token, "api_url": settings.api_url}
    home.write_private(settings.account_file, json.dumps(credentials, indent=2) + "\n")
    shown = demo.prepare(settings, chosen, database) if with_demo else None
    publisher = Publisher(database.engine, settings.routing_db)
    try:
        publisher.publish()
    finally:
        publisher.close()
    return shown


def greet(settings: Settings, prepared: Prepared, say: Say) -> None:
    shown = settings.advertised_ip
    say(f"Trunkline is up.  SIP {shown}:{settings.sip_port} (UDP, TCP), {shown}:{settings.tls_port} (TLS)")
    say(f"                  API {settings.api_url}, credentials in {settings.account_file}")
    say(f"                  Log {settings.log_file}")
    if prepared.without_database is not None:
        say(f"The database is away ({prepared.without_database}).")
        say("Calls are routed by what is known, and their records wait in the spool.")
    if prepared.demo is not None:
        demo_call.place_and_show(settings, prepared.demo, say)
    say("Stop with Ctrl-C: running calls may finish, a second Ctrl-C ends them.")


def watch(settings: Settings, supervisor: Supervisor, signals: Signals, say: Say) -> None:
    """Until a signal comes: tell of programs that were started again, give those that were given up another chance."""
    told: dict[str, int] = {}  # what ended while we greeted is told as well
    given_up: dict[str, float] = {}
    certificate = CertificateWatch(settings)
    while not signals.count:
        signals.wait(LOOK_EVERY)
        certificate.look(say)
        if supervisor.ended() and not signals.count:
            say("The supervisor ended and is started again, and every program with it.")
            lifeline.kill_marked(mark_of(settings), spare=set())
            supervisor.start()
            told = {}
            continue
        for name, count in supervisor.restarts().items():
            if count > told.get(name, 0):
                say(f"{name} ended and was started again ({count} times so far). Why: {settings.log_file}")
                told[name] = count
        try:
            states = supervisor.states()
        except SupervisorGone:
            continue
        for name, state in states.items():
            if state != FATAL:
                given_up.pop(name, None)
            elif time.monotonic() - given_up.setdefault(name, time.monotonic()) > START_AGAIN_AFTER:
                del given_up[name]
                supervisor.start_program(name)


def drain(settings: Settings, signals: Signals, say: Say) -> None:
    """Refuse new calls and let the running ones finish, for as long as the settings say and no second signal comes."""
    edge = KamailioRpc(edge_socket(settings))
    deadline = time.monotonic() + settings.drain_seconds
    told = False
    try:
        edge.set_draining(True)
        while signals.count < 2 and (left := deadline - time.monotonic()) > 0 and (calls := edge.active_calls()) > 0:
            if not told:
                say(f"Waiting up to {left:.0f} s for {calls} running calls. A second signal ends them.")
                told = True
            signals.wait(0.25)
    except (KamailioUnreachable, KamailioRefused):
        return  # no edge, no calls


def stop(supervisor: Supervisor, signals: Signals) -> None:
    if signals.count > 1 or not supervisor.stop(STOP_WITHIN, hurry=lambda: signals.count > 1):
        supervisor.kill()


def sweep(settings: Settings, *, in_order: bool) -> None:
    """End what is left of the node's processes. After an orderly stop that is nothing, and else it is said."""
    left = lifeline.kill_marked(mark_of(settings), spare=set())
    if left and in_order:
        sys.stderr.write(f"trunkline: ended {len(left)} {LEFT_AT_LAST}\n")
