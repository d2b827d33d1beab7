"""One API for all tests of a run; each test has accounts of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_api import Client, LiveApi, live_api
from postgres import PostgresMissing, PostgresServer


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApi]:
    with live_api(tmp_path_factory.mktemp("home with a space")) as running:
        yield running


@pytest.fixture
def owner(api: LiveApi) -> Iterator[Client]:
    """The platform account."""
    with api.client(api.account(friendly_name="Owner", platform=True)) as client:
        yield client


@pytest.fixture
def customer(api: LiveApi, owner: Client) -> Iterator[Client]:
    """A subaccount of the platform account."""
    with api.client(api.account(friendly_name="Customer", owner_account_sid=owner.sid)) as client:
        yield client


@pytest.fixture
def stranger(api: LiveApi) -> Iterator[Client]:
    """An account that has nothing to do with the others."""
    with api.client(api.account(friendly_name="Stranger")) as client:
        yield client


@pytest.fixture(scope="session")
def postgres_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApi]:
    """The same API over a PostgreSQL of the tests' own."""
    try:
        server = PostgresServer()
    except PostgresMissing as error:
        pytest.fail(str(error), pytrace=False)
    with server, live_api(tmp_path_factory.mktemp("postgres"), server.create_database()) as running:
        yield running
