"""The two sides of the comparisons: our edge with a home of its own, and the bare baseline."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engines import HOST, free_ports, running, udp_taken, wait_until
from bench.sipp import Caller
from trunkline.core.digest import make_ha1
from trunkline.core.routing_schema import DDL, SCHEMA
from trunkline.engines.kamailio.config import find_modules, kamailio_programs
from trunkline.settings import Ports, Settings

PASSWORD = "correct-horse"  # noqa: S105  of the bench's own trunks
REALM = "sip.twilio.com"
ACCOUNT = "AC" + "0" * 32


def sid(prefix: str, number: int) -> str:
    """A SID that looks like a real one: spread over the whole range, as random ones are."""
    return prefix + hashlib.blake2b(f"{prefix}{number}".encode(), digest_size=16).hexdigest()


def caller(number: int) -> Caller:
    """The PBX of trunk `number` in a routing.db of `write_routing`."""
    return Caller(f"+1{2000000000 + number}", f"pbx{number}", PASSWORD, f"t{number}.pstn.twilio.com")


def write_routing(path: Path, carrier_port: int, *, trunks: int = 1, numbers: int = 1) -> None:
    """A routing.db made directly: each trunk with an account and one credential, the numbers spread over the trunks."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    connection.executescript(DDL)
    # HA1 takes 2 µs, and 100,000 trunks want one each.
    for n in range(trunks):
        user = f"pbx{n}"
        account, trunk, listed = sid("AC", n), sid("TK", n), sid("CL", n)
        connection.execute("INSERT INTO accounts VALUES (?, 'active', 1, 1, 1000, 20000)", (account,))
        connection.execute(
            "INSERT INTO trunks (sid, account_sid, label, secure, caller_id_policy, digest_algorithm, cps, calls,"
            " longest, emergency, number_rules, registration) VALUES (?, ?, ?, 0, 'reject', 'MD5', 1000, 20000,"
            " 86400, 0, '[]', 0)",
            (trunk, account, f"t{n}"),
        )
        connection.execute("INSERT INTO trunk_credential_lists VALUES (?, ?)", (trunk, listed))
        connection.execute(
            "INSERT INTO credentials VALUES (?, ?, ?, ?, ?)",
            (sid("CR", n), listed, user, make_ha1(user, REALM, PASSWORD), make_ha1(user, REALM, PASSWORD, "SHA-256")),
        )
    rows = (
        (f"+1{2000000000 + n}", sid("PN", n), sid("AC", n % trunks), sid("TK", n % trunks))
        for n in range(max(numbers, trunks))
    )
    connection.executemany("INSERT INTO phone_numbers VALUES (?, ?, ?, ?)", rows)
    connection.execute(
        "INSERT INTO carriers (sid, enabled, priority, weight, number_format, tech_prefix, caller_header,"
        " probe_seconds, probe_misses, register, register_expires)"
        " VALUES (?, 1, 10, 10, 'e164', '', 'both', 0, 3, 0, 300)",
        (sid("CX", 0),),
    )
    connection.execute(
        "INSERT INTO carrier_targets VALUES (?, ?, ?, 10, 10, 1)",
        (sid("CT", 0), sid("CX", 0), f"sip:{HOST}:{carrier_port}"),
    )
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", [("schema", str(SCHEMA)), ("change", "0"), ("change_mark", "")]
    )
    connection.commit()
    connection.close()


class Edge:
    """Our Kamailio without the media relay: Python, dialogs and records on."""

    def __init__(self, folder: Path, *, hide_topology: bool = False) -> None:
        self._hide_topology = hide_topology
        self.port, tls_port, *inner = free_ports(7)
        self.settings = Settings(home=folder, sip_port=self.port, tls_port=tls_port)
        self._ports = Ports(*inner)
        for needed in (self.settings.run_dir, self.settings.spool_dir, self.settings.tls_dir, self.settings.socket_dir):
            needed.mkdir(parents=True, exist_ok=True)
        self.pid = 0

    @contextmanager
    def up(self) -> Iterator[int]:
        """Its main process."""
        # As the baseline, which has neither a media relay nor topology hiding.
        program = kamailio_programs(
            self.settings, self._ports, os.urandom(32), with_media=False, hide_topology=self._hide_topology
        )["kamailio"]
        argv = self.prepared(list(program.argv))
        with running(argv, self.settings.home / "edge.log", program.environment) as process:
            wait_until(lambda: udp_taken(self.port), "the edge listening")
            yield process.pid

    def prepared(self, argv: list[str]) -> list[str]:
        """For a bench that runs it otherwise."""
        return argv


@contextmanager
def baseline(folder: Path, port: int, callee_port: int) -> Iterator[int]:
    """The bare Kamailio on this port, with the same allocator; its main process."""
    words = {
        "MODULES": str(find_modules()),
        "BASELINE_PORT": str(port),
        "BASELINE_REALM": REALM,
        "BASELINE_PASSWORD": PASSWORD,
        "CALLEE_PORT": str(callee_port),
    }
    text = (Path(__file__).parent / "baseline.cfg").read_text()
    for word, value in words.items():
        text = text.replace(word, value)
    config = folder / "baseline.cfg"
    config.write_text(text)
    argv = [
        "kamailio",
        "-f",
        str(config),
        "-x",
        "fm",
        "-m",
        "256",
        "-DD",
        "-E",
        "-Y",
        str(folder),
        "-P",
        str(folder / "baseline.pid"),
    ]
    with running(argv, folder / "baseline.log") as process:
        wait_until(lambda: udp_taken(port), "the baseline listening")
        yield process.pid
