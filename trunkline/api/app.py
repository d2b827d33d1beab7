"""The REST face: one FastAPI application, all routes in one list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import sqlalchemy
from fastapi import FastAPI

from trunkline.api import (
    accounts,
    alerts,
    balance,
    call_details,
    caller_ids,
    calls,
    carrier_addresses,
    carrier_targets,
    carriers,
    credential_lists,
    credentials,
    errors,
    healthz,
    help_pages,
    incoming_phone_numbers,
    ip_access_control_lists,
    ip_addresses,
    origination_urls,
    outgoing_caller_ids,
    platform_accounts,
    trunk_credential_lists,
    trunk_ip_access_control_lists,
    trunk_phone_numbers,
    trunk_recording,
    trunk_settings,
    trunks,
)
from trunkline.api.dispatch import Dispatch
from trunkline.api.healthz import HealthReport
from trunkline.settings import Settings
from trunkline.store.database import Database

RESOURCES = (
    # trunking.twilio.com/v1
    trunks,
    origination_urls,
    trunk_credential_lists,
    trunk_ip_access_control_lists,
    trunk_phone_numbers,
    trunk_recording,
    # api.twilio.com/2010-04-01
    accounts,
    balance,
    credential_lists,
    credentials,
    ip_access_control_lists,
    ip_addresses,
    incoming_phone_numbers,
    outgoing_caller_ids,
    calls,
    # monitor.twilio.com/v1
    alerts,
    # ours: /trunkline/v1
    platform_accounts,
    carriers,
    carrier_targets,
    carrier_addresses,
    caller_ids,
    trunk_settings,
    call_details,
    # neither: /healthz, /docs/errors/<code>
    healthz,
    help_pages,
)

REQUESTS_AT_A_TIME = 12
"""Fewer than the 15 connections that an engine opens at most, and than the 40 threads of the event loop."""


def create_app(
    settings: Settings, engine: sqlalchemy.Engine, health: Callable[[], HealthReport] | None = None
) -> FastAPI:
    """The application over a migrated store. `health` says what works; without it only the database is asked.

    Ours has no generated schema page: the published descriptions and docs/api.md are the schema, and the routes read
    their forms by fields of their own. Redirects of slashes are off because the published clients do not follow them.
    """
    app = FastAPI(title="Trunkline", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.settings = settings
    app.state.database = Database(engine)
    app.state.health = health
    app.state.turns = asyncio.Semaphore(REQUESTS_AT_A_TIME)
    errors.install(app)
    for resource in RESOURCES:
        app.include_router(resource.router)
    app.add_middleware(Dispatch)
    return app
