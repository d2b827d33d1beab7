"""A whole node under test: the real `trunkline up` as a subprocess, on ports that are free, in a home of its own.

with LiveNode(home) as node:                 # `up --demo`, waited for until /healthz is 200
    trunk = node.make_trunk(username="alice", password="…")
    record = node.record(result.call_id)     # the finished record of a call, waited for
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from trunkline.api.client import ApiClient, ApiRefused, View
from trunkline.engines.kamailio.routing import LOOK_EVERY
from trunkline.node import lifeline
from trunkline.node.supervisor import mark_of
from trunkline.node.up import LEFT_AT_LAST
from trunkline.settings import Settings
from trunkline.testbench.call_plan import CallPlan

READY_WITHIN = 60.0
STOPPED_WITHIN = 45.0
RECORD_WITHIN = 10.0
TRUNKS_KEPT = 60


def wait_for(found: Callable[[], Any], what: str, *, within: float = 10.0) -> Any:
    """The first true value of `found`. AssertionError with `what` when it does not come."""
    deadline = time.monotonic() + within
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that are free for TCP and UDP at this moment, below the range that the kernel gives away by itself."""
    found: list[int] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while len(found) < count:
        port = 15000 + secrets.randbelow(17000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(family, kind) as probe:
                    probe.bind((host, port))
        except OSError:
            continue
        if port not in found:
            found.append(port)
    return found


def free_rtp_range(size: int = 400) -> str:
    first = 33000 + 2 * secrets.randbelow(12000)
    return f"{first}-{first + size - 1}"


@dataclass(frozen=True)
class LiveTrunk:
    sid: str
    domain_name: str
    username: str
    password: str
    number: str

    def plan(self, node: LiveNode, called: str, *, transport: str = "udp", **changes: Any) -> CallPlan:
        """A call of this trunk's PBX: digest, with the trunk's own number as caller ID."""
        fields: dict[str, Any] = {
            "to": f"sip:{called}@{self.domain_name}",
            "via": node.sip_uri(transport),
            "caller": self.number,
            "username": self.username,
            "password": self.password,
            "seconds": 1.5,
        }
        return CallPlan(**{**fields, **changes})


class LiveNode:
    """One node. start(), use it, stop(); or `with`."""

    def __init__(
        self, home: Path, *, host: str = "127.0.0.1", demo: bool = True, environment: Mapping[str, str] | None = None
    ) -> None:
        self.home = home
        self.host = host
        self.demo_wanted = demo
        self.sip_port, self.tls_port, self.http_port = free_ports(3, host)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")},
            "TRUNKLINE_HOME": str(home),
            "TRUNKLINE_SIP_HOST": host,
            "TRUNKLINE_SIP_PORT": str(self.sip_port),
            "TRUNKLINE_TLS_PORT": str(self.tls_port),
            "TRUNKLINE_HTTP_PORT": str(self.http_port),
            "TRUNKLINE_RTP_PORTS": free_rtp_range(),
            "TRUNKLINE_DRAIN_SECONDS": "5",
            **(environment or {}),
        }
        self.settings = Settings.load({}, self.environment)
        self.process: subprocess.Popen[str] | None = None
        self.output = home.parent / f"{home.name}.out"
        self.api: ApiClient
        self._clients = ExitStack()
        self._used: deque[list[str]] = deque()
        """Of the demo's account: the paths that delete a trunk of a test and its credential list, oldest first."""
        self.demo: dict[str, Any] = {}
        self._stopped: dict[int, str] = {}
        """The processes that the node had when it was told to stop, each with its start."""

    def start(self) -> Self:
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("a") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trunkline.cli.main", "up", *(["--demo"] if self.demo_wanted else [])],
                env=self.environment,
                stdout=out,
                stderr=out,
                text=True,
            )
        wait_for(self.healthy, f"a healthy node; it said: {self.output.read_text()[-2000:]}", within=READY_WITHIN)
        if self.demo_wanted:
            # The greeting ends with the demo's first call, after which the node is as quiet as the tests want it.
            wait_for(
                lambda: "Stop with Ctrl-C" in self.output.read_text(), "the end of the greeting", within=READY_WITHIN
            )
        source = self.settings.demo_file if self.demo_wanted else self.settings.account_file
        self.demo = json.loads(source.read_text())
        self.api = ApiClient(self.demo["api_url"], self.demo["account_sid"], self.demo["auth_token"])
        return self

    def healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (
            f"`up` ended with {self.process.returncode}: {self.output.read_text()[-3000:]}"
        )
        try:
            return (
                httpx.get(
                    f"http://{self.settings.http_host}:{self.http_port}/healthz", timeout=5, trust_env=False
                ).status_code
                == 200
            )
        except httpx.HTTPError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = self.stop()
        if error is None:
            assert status == 0, f"`up` ended with {status}: {self.output.read_text()[-3000:]}"
            self.assert_nothing_left()
            self.assert_no_traceback()

    def stop(self) -> int | None:
        """SIGTERM, and SIGKILL when that does not end it. The exit status."""
        if self.process is None:
            return None
        if hasattr(self, "api"):
            self.api.close()
        self._clients.close()
        if self.process.poll() is None:
            self._stopped = {pid: start for pid in descendants(self.process.pid) if (start := lives(pid))}
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def assert_nothing_left(self) -> None:
        """No process of the node outlives it: none that it had when it was told to stop, none that bears its mark.

        Nor did `up` have to end one at last: it would have said so.
        """
        left = {pid for pid, start in self._stopped.items() if lives(pid) == start}
        left |= {pid for pid in lifeline.marked(mark_of(self.settings)) if lives(pid)}
        assert not left, f"left of the node: { {pid: _command(pid) for pid in left} }"
        assert LEFT_AT_LAST not in self.output.read_text(), self.output.read_text()[-3000:]

    def assert_no_traceback(self) -> None:
        """In nothing that `up` printed and nothing that stands in its log folder, moved on or not."""
        for path in (self.output, *sorted(self.settings.log_dir.glob("*"))):
            text = path.read_text(errors="replace")
            found = text.find("Traceback")
            assert found < 0, f"{path}: {text[max(found - 200, 0) :][:3000]}"

    # ---- where things are -------------------------------------------------------------------------------------------

    def sip_uri(self, transport: str = "udp") -> str:
        port = self.tls_port if transport == "tls" else self.sip_port
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"sip:{host}:{port};transport={transport}"

    def pids(self, name: str) -> list[int]:
        """The main process of a program of the node (`kamailio`, `rtpengine` …), by its command line."""
        assert self.process is not None
        marks = {
            "kamailio": "edge.cfg",
            "tls_front": "front.cfg",
            "rtpengine": "rtpengine",
            "recorder": "trunkline.node.recorder",
            "publisher": "trunkline.node.publisher",
            "api": "trunkline.node.api_server",
        }
        return [pid for pid in descendants(self.process.pid) if _is_main(pid, marks[name])]

    # ---- what tests make --------------------------------------------------------------------------------------------

    def make_trunk(
        self,
        *,
        secure: bool = False,
        credentials: bool = True,
        acl: str | None = None,
        api: ApiClient | None = None,
        **settings: Any,
    ) -> LiveTrunk:
        """A trunk with a number of its own, on the edge. `acl`: an address in CIDR form; `api`: another account's."""
        self._make_room()
        used: list[str] = []
        if api is None:
            self._used.append(used)
        api = api or self.api
        label = f"t{secrets.token_hex(5)}"
        number = f"+1555{secrets.randbelow(10**7):07d}"
        username, password = f"u{secrets.token_hex(4)}", f"Aa1{secrets.token_hex(10)}"
        trunk = api.create_trunk(FriendlyName=label, DomainName=f"{label}.pstn.twilio.com", Secure=secure)
        sid = trunk["sid"]
        used.append(f"/v1/Trunks/{sid}")
        if credentials:
            listed = api.create_credential_list(label)["sid"]
            used.append(api.account_path(f"SIP/CredentialLists/{listed}.json"))
            api.add_credential(listed, username, password)
            api.attach_credential_list(sid, listed)
        if acl is not None:
            address, _, length = acl.partition("/")
            made = api.post(api.account_path("SIP/IpAccessControlLists.json"), FriendlyName=label)["sid"]
            api.post(
                api.account_path(f"SIP/IpAccessControlLists/{made}/IpAddresses.json"),
                FriendlyName="pbx",
                IpAddress=address,
                CidrPrefixLength=length or 32,
            )
            api.post(f"/v1/Trunks/{sid}/IpAccessControlLists", IpAccessControlListSid=made)
        if settings:
            api.post(f"/trunkline/v1/Trunks/{sid}", **settings)
        # A subaccount may not declare numbers; its owner does it for it.
        self.api.post(api.account_path("IncomingPhoneNumbers.json"), PhoneNumber=number, TrunkSid=sid)
        self.wait_published()
        return LiveTrunk(sid, trunk["domain_name"], username, password, number)

    def _make_room(self) -> None:
        """An account may have 100 trunks and 100 credential lists; those of tests of long ago go."""
        while len(self._used) >= TRUNKS_KEPT:
            for path in self._used.popleft():
                with suppress(ApiRefused):  # its test has deleted it
                    self.api.delete(path)

    def make_account(self, **settings: Any) -> ApiClient:
        """A tenant of the demo's account, as the client of its API (`.account_sid`)."""
        made = self.api.post("/trunkline/v1/Accounts", FriendlyName="Tenant", **settings)
        return self._clients.enter_context(ApiClient(self.demo["api_url"], made["sid"], made["auth_token"]))

    def set_account(self, account: ApiClient, **settings: Any) -> None:
        """`Status`, `Balance` …, published to the edge."""
        self.api.post(f"/trunkline/v1/Accounts/{account.account_sid}", **settings)
        self.wait_published()

    def wait_published(self) -> None:
        """Until every change so far is on the call path."""
        import sqlite3

        from sqlalchemy import create_engine, text

        engine = create_engine(self.settings.database_url_or_default)
        with engine.connect() as store:
            newest = store.execute(text("SELECT max(seq) FROM changes")).scalar_one() or 0
        engine.dispose()

        def done() -> bool:
            with sqlite3.connect(f"file:{self.settings.routing_db}?mode=ro", uri=True) as file:
                row = file.execute("SELECT value FROM meta WHERE key = 'change'").fetchone()
            return row is not None and int(row[0]) >= newest

        wait_for(done, f"routing.db at change {newest}", within=5)
        time.sleep(LOOK_EVERY + 0.01)  # until each worker has looked

    # ---- what the node remembers ------------------------------------------------------------------------------------

    def find_records(self, sip_call_id: str) -> list[View]:
        return list(self.api.list("/trunkline/v1/Calls", SipCallId=sip_call_id))

    def record(self, sip_call_id: str, *, within: float = RECORD_WITHIN) -> View:
        """The record of a call that is over, with its attempts and alerts."""

        def over() -> View | None:
            found = self.find_records(sip_call_id)
            assert len(found) <= 1, f"{len(found)} records for {sip_call_id}"
            return found[0] if found and found[0]["ended_us"] is not None else None

        call = wait_for(over, f"the record of {sip_call_id}", within=within)
        return self.api.get(f"/trunkline/v1/Calls/{call['sid']}")


def descendants(pid: int) -> list[int]:
    """All processes that came from this one and run."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def lives(pid: int) -> str | None:
    """When this process started, which tells it from a later one of the number; None for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def _command(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return "ended meanwhile"


def _is_main(pid: int, mark: str) -> bool:
    """Whether this is the program itself: not its keeper, and not a worker that it forked."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        parents = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    is_it = any(mark.encode() in word for word in words) and b"trunkline.node.keeper" not in words
    return is_it and words != parents
