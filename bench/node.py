"""A whole node for the benchmarks: `trunkline up` on an own home, one trunk with credentials, SIPp as its carrier."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.engines import HOST, BenchError, cpu_seconds, free_ports, memory_kib, process_tree, running, wait_until
from bench.sipp import Caller
from trunkline.api.client import ApiClient, ApiClientError
from trunkline.node import lifeline
from trunkline.node.supervisor import mark_of
from trunkline.settings import Settings

PROGRAMS = ("kamailio", "tls_front", "rtpengine", "recorder", "publisher", "api")
READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Node:
    settings: Settings
    caller: Caller
    trees: dict[str, list[int]]
    """Process ids by program, the keepers left out."""
    api: ApiClient

    def cpu(self, *programs: str) -> float:
        """CPU seconds so far of these programs; of all without any."""
        return sum(cpu_seconds(self.trees[name]) for name in programs or PROGRAMS)

    def memory_mib(self, program: str) -> float:
        """Memory that this program alone holds, and its part of what it shares (Pss)."""
        return sum(memory_kib(pid, "Pss") for pid in self.trees[program]) / 1024

    def records(self) -> int:
        """Calls in the call log that are over."""
        import sqlite3

        with sqlite3.connect(f"file:{self.settings.home / 'trunkline.db'}?mode=ro", uri=True) as store:
            return int(store.execute("SELECT count(*) FROM calls WHERE status = 'completed'").fetchone()[0])

    def wait_for_records(self, count: int, within: float = 120.0) -> None:
        wait_until(lambda: self.records() >= count, f"{count} records (there are {self.records()})", within)


@contextmanager
def node(folder: Path, carrier_port: int) -> Iterator[Node]:
    sip, tls, http = free_ports(3)
    environment = {
        "TRUNKLINE_HOME": str(folder / "node"),
        "TRUNKLINE_SIP_PORT": str(sip),
        "TRUNKLINE_TLS_PORT": str(tls),
        "TRUNKLINE_HTTP_PORT": str(http),
        "TRUNKLINE_RTP_PORTS": "33000-60000",
        "TRUNKLINE_DRAIN_SECONDS": "1",
    }
    settings = Settings.load({}, environment)
    log = folder / "node.log"
    with running([sys.executable, "-m", "trunkline.cli.main", "up"], log, environment) as process:
        deadline = time.monotonic() + READY_WITHIN
        while "Stop with Ctrl-C" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"the node did not start: {log.read_text()[-500:]}")
            time.sleep(0.1)
        account = json.loads(settings.account_file.read_text())
        with ApiClient(account["api_url"], account["account_sid"], account["auth_token"]) as api:
            caller = _make_trunk(api, carrier_port)
            time.sleep(1.5)  # a change is on the call path within 1 s
            keepers = {name: lifeline.marked(mark_of(settings, name)) for name in PROGRAMS}
            yield Node(settings, caller, {name: _program_tree(pids) for name, pids in keepers.items()}, api)


def _program_tree(marked: list[int]) -> list[int]:
    """Of all processes with the program's mark, those that are no keepers."""
    found: set[int] = set()
    for pid in marked:
        if b"trunkline.node.keeper" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            found.update(process_tree(pid))
    return sorted(found)


def _make_trunk(api: ApiClient, carrier_port: int) -> Caller:
    number, username, password = "+12000000000", "bench", f"Aa1{os.urandom(8).hex()}"
    try:
        trunk = api.create_trunk(FriendlyName="bench", DomainName="bench.pstn.twilio.com")
        listed = api.create_credential_list("bench")["sid"]
        api.add_credential(listed, username, password)
        api.attach_credential_list(trunk["sid"], listed)
        api.post(api.account_path("IncomingPhoneNumbers.json"), PhoneNumber=number, TrunkSid=trunk["sid"])
        carrier = api.post("/trunkline/v1/Carriers", FriendlyName="SIPp")["sid"]
        api.post(f"/trunkline/v1/Carriers/{carrier}/Targets", SipUri=f"sip:{HOST}:{carrier_port};transport=udp")
    except ApiClientError as problem:
        raise BenchError(f"the API refused: {problem}") from None
    return Caller(number, username, password, trunk["domain_name"])
