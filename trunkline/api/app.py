"""The REST face: one FastAPI application, all routes in one list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import sqlalchemy
from fastapi import FastAPI

from trunkline.api import (
    accounts,
    alerts,
    balance,
    bans,
    call_analyses,
    call_details,
    caller_ids,
    calls,
    carrier_addresses,
    carrier_rates,
    carrier_targets,
    carriers,
    credential_lists,
    credentials,
    destination_rules,
    dialing_permissions,
    errors,
    healthz,
    help_pages,
    incoming_phone_numbers,
    ip_access_control_lists,
    ip_addresses,
    metrics,
    origination_urls,
    outgoing_caller_ids,
    platform_accounts,
    registrations,
    trunk_credential_lists,
    trunk_ip_access_control_lists,
    trunk_phone_numbers,
    trunk_recording,
    trunk_settings,
    trunks,
)
from trunkline.api.dispatch import Dispatch
from trunkline.api.healthz import HealthReport
from trunkline.api.metrics import Metric
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
    # voice.twilio.com/v1
    dialing_permissions,
    # ours: /trunkline/v1
    destination_rules,
    platform_accounts,
    carriers,
    carrier_targets,
    carrier_addresses,
    carrier_rates,
    caller_ids,
    trunk_settings,
    registrations,
    call_analyses,
    call_details,
    bans,
    # neither: /healthz, /docs/errors/<code>
    healthz,
    metrics,
    help_pages,
)

REQUESTS_AT_A_TIME = 12
"""Fewer than the 15 connections that an engine opens at most, and than the 40 threads of the event loop."""


def create_app(
    settings: Settings,
    engine: sqlalchemy.Engine,
    health: Callable[[], HealthReport] | None = None,
    node_metrics: Callable[[], Iterable[Metric]] | None = None,
) -> FastAPI:
    """The application over a migrated store. `health` says what works; without it only the database is asked.
    `node_metrics` are what /metrics shows.

    Ours has no generated schema page: the published descriptions and docs/api.md are the schema, and the routes read
    their forms by fields of their own. Redirects of slashes are off because the published clients do not follow them.
    """
    app = FastAPI(title="Trunkline", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.settings = settings
    app.state.database = Database(engine)
    app.state.health = health
    app.state.metrics = node_metrics
    app.state.turns = asyncio.Semaphore(REQUESTS_AT_A_TIME)
    errors.install(app)
    for resource in RESOURCES:
        app.include_router(resource.router)
    app.add_middleware(Dispatch)
    return app
