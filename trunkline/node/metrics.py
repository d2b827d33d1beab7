"""What `/metrics` shows of a node: each figure asked of the part that knows it, and left out where that is away."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, func, select

from trunkline.api.metrics import Metric, Sample
from trunkline.core.call_counts import RECORDER_FILE, answer_seizure_ratios, delay_histogram
from trunkline.engines.kamailio.ban_list import BanList
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioRpc, KamailioUnreachable
from trunkline.node.health import Health
from trunkline.node.spool_reader import unread_bytes
from trunkline.node.supervisor import restarts
from trunkline.settings import Settings
from trunkline.store.base import Base
from trunkline.store.database import reading
from trunkline.store.errors import StoreError, outages_named

AWAY = (KamailioUnreachable, KamailioRefused, StoreError, OSError, ValueError, KeyError, TypeError, sqlite3.Error)


class NodeMetrics:
    def __init__(self, settings: Settings, engine: Engine, health: Health | None) -> None:
        self._settings = settings
        self._engine = engine
        self._health = health

    def __call__(self) -> list[Metric]:
        """All metrics of which the source answers."""
        found: list[Metric] = []
        for part in (self._parts, self._disk, self._edge, self._recorded, self._spool, self._backlog):
            found += _what_answers(part)
        return found

    def _parts(self) -> Iterator[Metric]:
        if self._health is not None:
            parts = self._health().parts
            up = [Sample(int(problem is None), part=name) for name, problem in parts.items()]
            yield Metric("trunkline_up", "gauge", "Whether this part of the node answers.", up)
        again = [Sample(count, program=name) for name, count in restarts(self._settings.run_dir).items()]
        yield Metric("trunkline_program_restarts_total", "counter", "Starts of a program after its first.", again)

    def _disk(self) -> Iterator[Metric]:
        stat = os.statvfs(self._settings.home)
        free = Sample(stat.f_bavail * stat.f_frsize)
        yield Metric("trunkline_home_free_bytes", "gauge", "Room on the disk of the home.", [free])

    def _edge(self) -> Iterator[Metric]:
        edge = KamailioRpc(edge_socket(self._settings))
        calls = edge.active_calls()
        yield Metric("trunkline_active_calls", "gauge", "Calls being set up or answered.", [Sample(calls)])
        by_offence = Counter(ban.offence.name.lower() for ban in BanList(self._settings).all())
        rows = [Sample(count, offence=name) for name, count in sorted(by_offence.items())] or [Sample(0)]
        yield Metric("trunkline_banned_sources", "gauge", "Sources that are banned now.", rows)

    def _recorded(self) -> Iterator[Metric]:
        text = (self._settings.run_dir / RECORDER_FILE).read_text()
        yield from metrics_of(json.loads(text))

    def _spool(self) -> Iterator[Metric]:
        """Counted here: a recorder that hangs, is dead, or waits for the database says nothing new."""
        read_to = json.loads((self._settings.run_dir / RECORDER_FILE).read_text())["read_to"]
        backlog = [Sample(unread_bytes(self._settings.spool_dir, read_to))]
        yield Metric("trunkline_spool_backlog_bytes", "gauge", "Events that are not stored yet.", backlog)

    def _backlog(self) -> Iterator[Metric]:
        changes = Base.metadata.tables["changes"]
        with outages_named(), reading(self._engine).connect() as store:
            newest = store.execute(select(func.max(changes.c.seq))).scalar() or 0
        uri = f"file:{quote(str(self._settings.routing_db))}?mode=ro"
        with sqlite3.connect(uri, uri=True) as routing:
            published = int(routing.execute("SELECT value FROM meta WHERE key = 'change'").fetchone()[0])
        routing.close()
        waiting = Sample(max(0, newest - published))
        yield Metric("trunkline_unpublished_changes", "gauge", "Changes that the edge does not know yet.", [waiting])


def metrics_of(counts: dict[str, Any]) -> Iterator[Metric]:
    """The recorder's file as metrics."""
    calls = [Sample(count, direction=direction, status=status) for direction, status, count in counts["calls"]]
    yield Metric("trunkline_calls_total", "counter", "Calls that are over, by how they ended.", calls)
    ratios = [Sample(ratio, direction=way) for way, ratio in answer_seizure_ratios(counts["calls"]).items()]
    yield Metric("trunkline_answer_seizure_ratio", "gauge", "Answered calls over all, since the start.", ratios)
    causes = [Sample(count, cause=cause) for cause, count in counts["refusals"].items()]
    yield Metric("trunkline_refusals_total", "counter", "Refused or lost calls by cause (docs/errors.md).", causes)
    attempts = [Sample(count, direction=direction, outcome=how) for direction, how, count in counts["attempts"]]
    yield Metric("trunkline_attempts_total", "counter", "Attempts of those calls at a target.", attempts)
    alerts = [Sample(count, code=code) for code, count in counts["alerts"].items()]
    yield Metric("trunkline_alerts_total", "counter", "Alerts by code.", alerts)
    bans = [Sample(count, offence=offence.lower()) for offence, count in counts["bans"].items()]
    yield Metric("trunkline_bans_total", "counter", "Bans by offence.", bans)
    talk = [Sample(counts["talk_seconds"])]
    yield Metric("trunkline_talk_seconds_total", "counter", "Seconds of answered calls.", talk)
    buckets = delay_histogram(counts["delays"])
    rows = [Sample(count, suffix="_bucket", le=end) for end, count in buckets]
    rows += [Sample(counts["delay_seconds"], suffix="_sum"), Sample(buckets[-1][1], suffix="_count")]
    told = "From the INVITE to the first ringing or answer."
    yield Metric("trunkline_post_dial_delay_seconds", "histogram", told, rows)


def _what_answers(part: Callable[[], Iterator[Metric]]) -> list[Metric]:
    """What this part has said until it failed."""
    found: list[Metric] = []
    try:
        found.extend(part())
    except AWAY:
        return found
    return found
