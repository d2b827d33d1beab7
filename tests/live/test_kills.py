"""kill -9 of each program in turn under load: which calls survive, how soon new ones pass, that no record is lost.

docs/operations.md has the table ("What a crash costs") that these tests hold it to. The load is SIPp's: 20 digest calls
a second, 100 of them up.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from live_node import LiveNode, LiveTrunk, descendants, free_ports, free_rtp_range, wait_for
from plain_sip import Credentials, PlainSip
from postgres import PostgresServer
from sqlalchemy import create_engine, text

from trunkline.node.health import tls_front_problem
from trunkline.testbench.pbx import PbxProcess

pytestmark = pytest.mark.live

SCENARIOS = Path(__file__).parents[2] / "bench" / "scenarios"
CALLED = "+15550199999"
RATE, CALLS, HOLD_MS = 20, 160, 5000
UP = RATE * HOLD_MS // 1000
"""Calls that are up at once."""
WATCHED = 4.0
PROBE = "-plain"
"""How the Call-IDs end that `longest_gap` uses."""


@pytest.fixture(scope="module")
def answering() -> Iterator[int]:
    """SIPp as the carrier: answers all calls. Its port."""
    port, media = free_ports(2)
    argv = [
        "sipp",
        "-sf",
        str(SCENARIOS / "callee.xml"),
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-mp",
        str(media),
        "-nostdin",
    ]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    process.kill()
    process.wait()


@contextmanager
def loaded_node(
    home: Path, carrier_port: int, environment: dict[str, str] | None = None
) -> Iterator[tuple[LiveNode, LiveTrunk]]:
    settings = {"TRUNKLINE_RTP_PORTS": free_rtp_range(4000), **(environment or {})}
    with LiveNode(home, demo=False, environment=settings) as node:
        carrier = node.api.post("/trunkline/v1/Carriers", FriendlyName="SIPp")["sid"]
        uri = f"sip:127.0.0.1:{carrier_port};transport=udp"
        node.api.post(f"/trunkline/v1/Carriers/{carrier}/Targets", SipUri=uri)
        yield node, node.make_trunk()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, answering: int) -> Iterator[tuple[LiveNode, LiveTrunk]]:
    with loaded_node(tmp_path_factory.mktemp("kills") / "home", answering) as both:
        yield both


@dataclass
class Load:
    """SIPp with its calls; `outcome` waits for their end."""

    process: subprocess.Popen[bytes]
    statistics: Path

    def outcome(self) -> tuple[int, int]:
        """Calls that went as they should, and that did not."""
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
        with self.statistics.open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])


def load(
    node: LiveNode, trunk: LiveTrunk, folder: Path, *, rate: int = RATE, calls: int = CALLS, hold_ms: int = HOLD_MS
) -> Load:
    own, media = free_ports(2)
    callers, statistics = folder / f"callers-{own}.csv", folder / f"statistics-{own}.csv"
    login = f"[authentication username={trunk.username} password={trunk.password}]"
    callers.write_text(f"SEQUENTIAL\n{trunk.number};{login};{trunk.domain_name};\n")
    argv = ["sipp", "-sf", str(SCENARIOS / "caller.xml"), "-inf", str(callers), "-s", CALLED, "-i", "127.0.0.1"]
    argv += ["-p", str(own), "-mp", str(media), f"127.0.0.1:{node.sip_port}", "-r", str(rate), "-m", str(calls)]
    argv += [
        "-d",
        str(hold_ms),
        "-nostdin",
        "-trace_stat",
        "-stf",
        str(statistics),
        "-fd",
        "1",
        "-recv_timeout",
        "8000",
    ]
    out = (folder / f"sipp-{own}.log").open("wb")
    return Load(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out), statistics)


@dataclass(frozen=True)
class Record:
    call_id: str
    status: str
    cause: str | None
    answered: bool
    over: bool


def records(node: LiveNode) -> list[Record]:
    """Of SIPp's calls."""
    columns = "sip_call_id, status, cause, answered_us IS NOT NULL, ended_us IS NOT NULL"
    engine = create_engine(node.settings.database_url_or_default)
    try:
        with engine.connect() as store:
            rows = store.execute(text(f"SELECT {columns} FROM calls")).all()
    finally:
        engine.dispose()
    found = [Record(row[0], row[1], row[2], bool(row[3]), bool(row[4])) for row in rows]
    return [record for record in found if not record.call_id.endswith(PROBE)]


def completed(node: LiveNode) -> dict[str, int]:
    """How many completed records each Call-ID has."""
    return dict(Counter(record.call_id for record in records(node) if record.status == "completed"))


def open_calls(node: LiveNode) -> int:
    return sum(not record.over for record in records(node))


def calls_up(node: LiveNode) -> set[str]:
    """Call-IDs of the calls that are up, once there are as many as the load makes (the recorder is a moment late)."""

    def enough() -> set[str]:
        up = {record.call_id for record in records(node) if record.answered and not record.over}
        return up if len(up) >= UP - RATE // 4 else set()

    found: set[str] = wait_for(enough, f"{UP} calls up", within=15)
    return found


def longest_gap(node: LiveNode, trunk: LiveTrunk, killed: float) -> float:
    """The longest time, in seconds, in which no new call was answered: from the kill until WATCHED seconds later."""
    answered = [killed]
    credentials = Credentials(trunk.username, trunk.password)
    while time.monotonic() < killed + WATCHED:
        with PlainSip(node.host, node.sip_port, final_within=0.7) as caller:
            try:
                reply = caller.invite(f"sip:{CALLED}@{trunk.domain_name}", caller=trunk.number, credentials=credentials)
            except (OSError, AssertionError):
                continue
        if reply.status == 200:
            answered.append(time.monotonic())
        time.sleep(0.05)
    return max(after - before for before, after in pairwise([*answered, time.monotonic()]))


def victims(node: LiveNode, names: str) -> list[int]:
    if names == "a worker of kamailio":
        return [descendants(node.pids("kamailio")[0])[1]]
    return [node.pids(name)[0] for name in names.split()]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "lost", "seconds"),
    [
        ("recorder api publisher", 0, 1),
        ("tls_front", 0, 1),
        ("rtpengine", RATE * 2, 2),
        ("a worker of kamailio", RATE * 2, 5),
        ("kamailio", RATE * 2, 5),
    ],
)
def test_a_killed_program(
    loaded: tuple[LiveNode, LiveTrunk], tmp_path: Path, name: str, lost: int, seconds: float
) -> None:
    """`lost`: calls that may fail at most; `seconds`: until new ones pass."""
    node, trunk = loaded
    before = len(completed(node))
    running = load(node, trunk, tmp_path)
    up = calls_up(node)
    for pid in victims(node, name):
        os.kill(pid, signal.SIGKILL)
    assert longest_gap(node, trunk, time.monotonic()) < seconds
    good, failed = running.outcome()
    assert good + failed == CALLS
    assert failed <= lost, f"{failed} of {CALLS} calls failed"
    wait_for(node.healthy, "a healthy node", within=20)
    # Every call that the caller saw through is on record, once: above all those that were up.
    wait_for(lambda: len(completed(node)) - before >= good, f"{good} records", within=15)
    assert set(completed(node).values()) == {1}
    assert up <= set(completed(node))
    wait_for(lambda: open_calls(node) == 0, "the end of every record", within=15)
    # A second record has only a call that came again after the restart had ended its first one.
    again = Counter(record.call_id for record in records(node) if record.cause != "EDGE_RESTARTED")
    assert set(again.values()) == {1}
    # And the next call is one as any other.
    with PlainSip(node.host, node.sip_port, final_within=1.0) as caller:
        credentials = Credentials(trunk.username, trunk.password)
        number = f"sip:{CALLED}@{trunk.domain_name}"
        assert caller.invite(number, caller=trunk.number, credentials=credentials).status == 200


@pytest.mark.timeout(120)
def test_a_call_over_tls_outlives_the_front(loaded: tuple[LiveNode, LiveTrunk]) -> None:
    """The PBX connects again, and its BYE ends the call as ever."""
    node, trunk = loaded
    tls = node.settings.tls_dir
    with PbxProcess("--tls-port", "0", "--tls-cert", str(tls / "cert.pem"), "--tls-key", str(tls / "key.pem")) as pbx:
        call = pbx.place_call(trunk.plan(node, CALLED, transport="tls", seconds=5.0))
        pbx.wait_until(lambda: pbx.result(call).timeline.answered is not None, "the answer")
        (front,) = node.pids("tls_front")
        os.kill(front, signal.SIGKILL)
        wait_for(lambda: node.pids("tls_front") not in ([], [front]), "another front", within=5)
        wait_for(lambda: tls_front_problem(node.settings, patience=0.5) is None, "an answer over TLS", within=5)
        result = pbx.result(call, wait=30)
    assert (result.sip_status, result.ended_by) == (200, "caller"), result
    record = node.record(result.call_id)
    assert (record["status"], record["ended_by"], record["source_address"][:4]) == ("completed", "caller", "tls:")
    assert record["ended_us"] - record["answered_us"] == pytest.approx(5_000_000, abs=1_000_000)
    wait_for(node.healthy, "a healthy node", within=20)


@pytest.mark.timeout(180)
def test_postgresql_killed_under_load(tmp_path: Path, answering: int) -> None:
    """No call fails while the database is dead, and every record is there when it is back."""
    with PostgresServer() as server:
        url = server.create_database()
        with loaded_node(tmp_path / "pg", answering, {"TRUNKLINE_DATABASE_URL": url}) as (node, trunk):
            running = load(node, trunk, tmp_path)
            up = calls_up(node)
            server.kill()
            assert longest_gap(node, trunk, time.monotonic()) < 1
            assert running.outcome() == (CALLS, 0)
            server.start()
            wait_for(lambda: len(completed(node)) >= CALLS, "every record", within=30)
            assert up <= set(completed(node))
            assert {record.status for record in records(node)} == {"completed"}
            assert len(records(node)) == CALLS


@pytest.mark.timeout(150)
def test_a_full_disk_stops_no_call(tmp_path: Path, answering: int) -> None:
    """The spool's segments are /dev/full: calls go on, their events wait in memory, and come when there is room."""
    home = tmp_path / "full"
    spool = home / "spool"
    spool.mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    minute = int(time.time()) // 60
    segments = [spool / f"events-{minute + n}.jsonl" for n in range(3)]
    for segment in segments:
        segment.symlink_to("/dev/full")
    with loaded_node(home, answering) as (node, trunk):
        few: dict[str, int] = {"rate": 10, "calls": 45, "hold_ms": 2000}
        assert load(node, trunk, tmp_path, **few).outcome() == (45, 0)
        assert completed(node) == {}
        for segment in segments:
            segment.unlink(missing_ok=True)
        # A worker writes what waits with its next event: so each of them gets some.
        assert load(node, trunk, tmp_path, **few).outcome() == (45, 0)
        wait_for(lambda: len(completed(node)) >= 90, "every record", within=15)
        assert set(completed(node).values()) == {1}
        assert open_calls(node) == 0
        told = [alert for alert in node.api.list("/v1/Alerts") if alert["error_code"] == "20500"]
        assert told
        assert "The disk took no events" in told[0]["alert_text"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A home on a file system of its own, of 48 MB."""
    home = tmp_path / "small"
    home.mkdir(mode=0o700)
    options = ["-t", "tmpfs", "-o", "size=48m,mode=0700", "tmpfs", str(home)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"nobody may mount here: {mounted.stderr.strip()}")
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(path: Path) -> None:
    """Until the file system takes no byte more."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def free_bytes(node: LiveNode) -> int:
    text = httpx.get(f"{node.demo['api_url']}/metrics", trust_env=False).text
    (line,) = [line for line in text.splitlines() if line.startswith("trunkline_home_free_bytes ")]
    return int(line.split()[1])


@pytest.mark.timeout(150)
def test_a_disk_without_a_byte_left(small_disk: Path, tmp_path: Path, answering: int) -> None:
    """Not the spool alone: store and log find no room either, and a program that dies meanwhile comes back."""
    few: dict[str, int] = {"rate": 10, "calls": 40, "hold_ms": 1000}
    with loaded_node(small_disk, answering) as (node, trunk):
        assert free_bytes(node) > 0
        fill(small_disk / "ballast")
        assert free_bytes(node) == 0
        assert load(node, trunk, tmp_path, **few).outcome() == (40, 0)
        assert node.healthy()
        for name in ("recorder", "rtpengine"):
            os.kill(node.pids(name)[0], signal.SIGKILL)
        assert longest_gap(node, trunk, time.monotonic()) < 3
        wait_for(node.healthy, "a healthy node", within=20)
        assert completed(node) == {}
        (small_disk / "ballast").unlink()
        assert load(node, trunk, tmp_path, **few).outcome() == (40, 0)
        wait_for(lambda: len(completed(node)) >= 80, "every record", within=20)
        assert set(completed(node).values()) == {1}
        assert open_calls(node) == 0
        told = [alert["alert_text"] for alert in node.api.list("/v1/Alerts") if alert["error_code"] == "20500"]
        assert any("The disk took no events" in text for text in told), told
