"""Names of targets, asked of Kamailio's own DNS cache: what it knows already costs no question to a name server.

Runs inside Kamailio: standard library and core only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from trunkline.core.host_name import Service

REMEMBER = 2
"""Seconds for which a worker keeps an answer: the cache counts the records' time to live, but is asked by RPC."""


class DnsCache:
    """Implements `core.host_name.Names`. `ksr`: Kamailio's. `families`: `a`, `aaaa`. `clock`: seconds."""

    def __init__(self, ksr: Any, families: tuple[str, ...], clock: Callable[[], float]) -> None:
        self._ksr = ksr
        self._families = families
        self._clock = clock
        self._remembered = lru_cache(maxsize=1024)(self._ask)

    def addresses(self, host: str) -> list[str]:
        return [row["rr_ip"] for family in self._families for row in self._records(family, host)]

    def services(self, name: str) -> list[Service]:
        return [
            Service(row["rr_priority"], row["rr_weight"], row["rr_port"], row["rr_name"])
            for row in self._records("srv", name)
        ]

    def _records(self, kind: str, name: str) -> list[dict[str, Any]]:
        return self._remembered(kind, name, int(self._clock()) // REMEMBER)

    def _ask(self, kind: str, name: str, _when: int) -> list[dict[str, Any]]:
        """Where the cache has nothing, Kamailio asks the name server, as it does for each request that it sends."""
        question = {"jsonrpc": "2.0", "id": 1, "method": "dns.lookup", "params": [kind, name]}
        self._ksr.jsonrpcs.exec(json.dumps(question))
        answer = json.loads(self._ksr.pv.get("$jsonrpl(body)") or "{}")
        found = answer.get("result") or {}
        records: list[dict[str, Any]] = found.get("records") or []
        return [] if found.get("type") != kind.upper() else records
