"""A PostgreSQL server of the tests' own: in a temporary folder, on loopback, gone afterwards.

    with PostgresServer() as server:
        url = server.create_database()
        server.stop(); server.start()      # an outage; the data stays

The server refuses to run as root, so root runs it as `postgres`, the user that Debian's package makes.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

USER = "trunkline"
READY_WITHIN = 30.0  # seconds
INSTALL = "Install it with `apt-get install postgresql`: this project's tests run on SQLite and on PostgreSQL."
# Nothing here outlives the tests: no fsync, small memory. Commits still are in the file before they are confirmed,
# because `stop` is a crash of the server, and a crash must not lose what was confirmed.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "listen_addresses": "127.0.0.1",
    "autovacuum_naptime": "10min",
    "logging_collector": "off",
}


class PostgresMissing(Exception):
    """PostgreSQL is not installed, or cannot run as this user; the text says what to do."""


def binaries() -> Path:
    """The folder with initdb and postgres: the newest under /usr/lib/postgresql, else that of PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    in_path = shutil.which("initdb")
    if in_path is None:
        raise PostgresMissing(f"PostgreSQL is not installed: no initdb under /usr/lib/postgresql or in PATH. {INSTALL}")
    return Path(in_path).resolve().parent


class PostgresServer:
    """One server with one superuser, reachable without a password from this machine only."""

    def __init__(self) -> None:
        self._binaries = binaries()
        self._owner = _unprivileged_user()
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="trunkline postgres "))
        try:
            if self._owner is not None:
                os.chown(self._home, self._owner.pw_uid, self._owner.pw_gid)
            data = str(self._home / "data")
            self._run(["initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            self.port = _free_port()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers; the port stays the same over `stop` and `start`."""
        assert self._home is not None, "use it in a with statement"
        options = {**OPTIONS, "port": str(self.port), "unix_socket_directories": ""}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(["postgres", "-D", str(self._home / "data"), *settings]),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True, **self._identity(),
            )  # fmt: skip
        deadline = time.monotonic() + READY_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresMissing(f"the test's PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once (SIGQUIT: no farewell to its clients), as an outage would. Does nothing when stopped."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(3)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """SIGKILL to the server and all its processes, as the kernel does it when memory runs out."""
        process, self._process = self._process, None
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)

    def create_database(self, template: str | None = None) -> str:
        """An empty database, or a copy of the one with the URL `template` (nobody may be connected to that one).

        Returns its SQLAlchemy URL.
        """
        name = f"test_{secrets.token_hex(6)}"
        of = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        self._execute(f"CREATE DATABASE {name}{of}")
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop what `create_database` made, whoever is connected."""
        self._execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def log(self) -> str:
        """What the server said, for the message of a test that fails."""
        path = self._home / "server.log" if self._home else None
        return path.read_text(errors="replace")[-4000:] if path and path.exists() else ""

    def _execute(self, statement: str) -> None:
        with self._connect(autocommit=True) as connection:
            connection.execute(statement.encode())

    def _connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, dbname="postgres", connect_timeout=5, autocommit=autocommit
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _command(self, command: Sequence[str]) -> list[str]:
        return [str(self._binaries / command[0]), *command[1:]]

    def _identity(self) -> dict[str, Any]:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            self._command(command), capture_output=True, text=True, cwd="/", check=False, **self._identity()
        )
        if done.returncode:
            raise PostgresMissing(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to run it as: None is ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresMissing(f"PostgreSQL does not run as root, and there is no user `postgres`. {INSTALL}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
