"""The API under test: the real application behind a real uvicorn on a port of its own, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine

from trunkline.api.app import create_app
from trunkline.api.healthz import HealthReport
from trunkline.api.serve import listen, server_of
from trunkline.settings import Settings
from trunkline.store import schema
from trunkline.store.accounts import create_account
from trunkline.store.database import Database, open_engine

READY_WITHIN = 15.0  # seconds


@dataclass(frozen=True)
class Credentials:
    sid: str
    token: str


class Client(httpx.Client):
    """Speaks as one account; `.path("Calls.json")` is below that account."""

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        super().__init__(base_url=base_url, auth=(credentials.sid, credentials.token), timeout=30, trust_env=False)
        self.sid = credentials.sid
        self.token = credentials.token

    def path(self, rest: str) -> str:
        return f"/2010-04-01/Accounts/{self.sid}/{rest}"


@dataclass
class LiveApi:
    url: str
    settings: Settings
    engine: Engine

    @property
    def database(self) -> Database:
        return Database(self.engine)

    def account(self, **fields: object) -> Credentials:
        with self.database.write() as session:
            account = create_account(session, **fields)  # type: ignore[arg-type]
            return Credentials(account.sid, account.auth_token)

    def client(self, credentials: Credentials) -> Client:
        return Client(self.url, credentials)

    def anyone(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False)


@contextmanager
def live_api(
    home: Path, database_url: str | None = None, health: Callable[[], HealthReport] | None = None
) -> Iterator[LiveApi]:
    url = database_url or f"sqlite:///{home / 'trunkline.db'}"
    settings = Settings(home=home, http_port=0, domain_suffixes=("pstn.twilio.com", "sip.example.com"))
    schema.upgrade(url)
    engine = open_engine(url)
    with listen(settings) as listening, served(create_app(settings, engine, health), listening):
        yield LiveApi(f"http://127.0.0.1:{listening.getsockname()[1]}", settings, engine)
    engine.dispose()


@contextmanager
def served(app: object, listening: object) -> Iterator[None]:
    server = server_of(app)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + READY_WITHIN
    while not server.started:
        assert time.monotonic() < deadline, "the API did not start"
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(READY_WITHIN)
        assert not thread.is_alive(), "the API did not stop"
