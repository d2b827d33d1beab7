"""`routing.db`, read by a SIP worker: `core.routing_data.RoutingData` over a local SQLite file.

Runs inside Kamailio: standard library and core only. One connection per process, opened after the fork, read-only. The
publisher is the only writer (WAL), so a look-up never waits.

Answers are remembered until the publisher commits anything (`PRAGMA data_version`), which is looked at 20 times a
second: in a SIP worker a look-up costs 20 to 40 µs, not for SQLite's work but because its code has left the
processor's caches by then.
"""

from __future__ import annotations

import ipaddress
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from trunkline.core.defence import SHORTEST_PREFIX
from trunkline.core.registration import Contact
from trunkline.core.routing_data import (
    AccountRow,
    CarrierRow,
    CarrierTargetRow,
    CredentialRow,
    OriginationUrlRow,
    PhoneNumberRow,
    RateRow,
    TrunkRow,
)
from trunkline.engines.kamailio.carrier_state import OLD_AFTER, down_targets
from trunkline.engines.kamailio.registrations import Registrations
from trunkline.engines.kamailio.resting import REST_FILE, Resting

_TRUNK = (
    "SELECT sid, account_sid, label, secure, caller_id_policy, default_caller_id, digest_algorithm, cps, calls,"
    " longest, emergency, number_rules, registration FROM trunks "
)
_CREDENTIAL = "SELECT c.sid, c.list_sid, c.username, c.ha1_md5, c.ha1_sha256"


LOOK_EVERY = 0.05
"""Seconds between two looks at whether the files have changed. With the publisher's own delay a change is on the call
path within 1 s. One look costs a fifth of a decision, and more where what it needs has left the processor's caches.
"""
REMEMBERED = 4096
"""Most answers to each question that a worker remembers: some 15 MB in all."""

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

Answer = TypeVar("Answer")


class RoutingDbReplaced(sqlite3.Error):
    """The file was made anew (another schema, a damaged file) while it was open."""


class RoutingDb:
    """Look-ups over the published routing data. `refresh` before each decision."""

    def __init__(
        self, path: Path, registrations: Registrations | None = None, carrier_state: Path | None = None
    ) -> None:
        """`registrations`: where PBXs are registered; None: nowhere. `carrier_state`: which carrier targets are down
        (engines/kamailio/carrier_state.py); None: none.

        Raises OSError or sqlite3.Error when the file is not there or is not a database."""
        self._path = os.fspath(path)
        self._carrier_state = None if carrier_state is None else os.fspath(carrier_state)
        self._state_written = 0.0
        self._inode = os.stat(path).st_ino
        self._connection = sqlite3.connect(
            f"file:{quote(os.fspath(path))}?mode=ro",
            uri=True,
            isolation_level=None,
            cached_statements=64,
            check_same_thread=False,
        )
        self._one = self._connection.execute
        self._one("PRAGMA query_only=1")
        self._one("PRAGMA mmap_size=1073741824")
        self._registrations = registrations
        self._looked = 0.0
        self._version = -1
        self._carriers: list[tuple[CarrierRow, list[CarrierTargetRow]]] = []
        self._carrier_networks: list[tuple[int, int, CarrierRow]] = []
        self._carrier_rows: dict[str, CarrierRow] = {}
        self._rated: list[str] = []
        self._resting = None if carrier_state is None else Resting(carrier_state.with_name(REST_FILE))
        self._down: frozenset[str] = frozenset()
        self._passed_over: frozenset[str] = frozenset()
        self._acl_prefixes: list[tuple[int, int]] = []
        # The questions of core.routing_data.RoutingData.
        self.standings: dict[tuple[object, ...], Any] = {}
        self._memories: list[_lru_cache_wrapper[Any]] = []
        self.trunk_by_label = self._remembering(self._trunk_by_label)
        self.trunk = self._remembering(self._trunk)
        self.account = self._remembering(self._account)
        self.destination_rules = self._remembering(self._destination_rules)
        self.has_credential_lists = self._remembering(self._has_credential_lists)
        self.has_acls = self._remembering(self._has_acls)
        self.trunk_networks = self._remembering(self._trunk_networks)
        self.credential = self._remembering(self._credential)
        self.trunks_by_username = self._remembering(self._trunks_by_username)
        self.trunks_by_source = self._remembering(self._trunks_by_source)
        self.phone_number = self._remembering(self._phone_number)
        self.owns_number = self._remembering(self._owns_number)
        self.verified_caller_id = self._remembering(self._verified_caller_id)
        self.origination_urls = self._remembering(self._origination_urls)
        self.takes_registrations = self._remembering(self._takes_registrations)
        self.carrier_by_source = self._remembering(self._carrier_by_source)
        self.is_listed = self._remembering(self._is_listed)
        self.rates = self._remembering(self._rates)

    def refresh(self, now: float) -> bool:
        """Forget what was remembered when the publisher has committed since; True then. `now`: any clock, in seconds.

        Raises RoutingDbReplaced when the publisher has put another file in its place: open that one.
        """
        if 0 <= now - self._looked < LOOK_EVERY:
            return False
        self._looked = now
        if os.stat(self._path).st_ino != self._inode:
            raise RoutingDbReplaced(f"{self._path} is another file now")
        if self._carrier_state is not None:
            self._look_at_carriers(self._carrier_state)
        version = self._one("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return False
        self.forget()
        self._load_small_tables()
        self._version = version
        return True

    def _look_at_carriers(self, path: str) -> None:
        """Which targets are down: the node's watch writes it down (engines/kamailio/carrier_state.py); which rest:
        SIP workers do.
        """
        try:
            written = os.stat(path).st_mtime
        except OSError:
            written = 0.0
        if written != self._state_written or time.time() - written > OLD_AFTER:
            self._state_written = written
            self._down = down_targets(Path(path), time.time()) if written else frozenset()
        resting = self._resting.sids(time.time()) if self._resting is not None else frozenset()
        self._passed_over = self._down | resting if resting else self._down

    def _remembering(self, ask: Callable[..., Answer]) -> _lru_cache_wrapper[Answer]:
        """The question with a memory, which `refresh` clears. lru_cache: an answer that is remembered takes no line
        of Python.
        """
        asked = lru_cache(maxsize=REMEMBERED)(ask)
        self._memories.append(asked)
        return asked

    def forget(self) -> None:
        """Ask the file again for everything."""
        self.standings.clear()
        for memory in self._memories:
            memory.cache_clear()

    def close(self) -> None:
        self._connection.close()

    def _load_small_tables(self) -> None:
        carriers = {
            row[0]: CarrierRow(*row)
            for row in self._one(
                "SELECT sid, enabled, priority, weight, number_format, tech_prefix, caller_header, from_user,"
                " from_domain, cps, calls, auth_username, auth_realm, auth_ha1_md5, auth_ha1_sha256, probe_seconds,"
                " probe_misses, register, registrar, register_expires FROM carriers ORDER BY sid"
            )
        }
        self._carrier_rows = carriers
        # Not DISTINCT over the rates: there may be a million.
        self._rated = [
            row[0]
            for row in self._one(
                "SELECT sid FROM carriers c WHERE EXISTS (SELECT 1 FROM carrier_rates r WHERE r.carrier_sid = c.sid)"
            )
        ]
        targets: dict[str, list[CarrierTargetRow]] = {sid: [] for sid in carriers}
        for row in self._one(
            "SELECT sid, carrier_sid, sip_uri, priority, weight, enabled FROM carrier_targets ORDER BY sid"
        ):
            targets.setdefault(row[1], []).append(CarrierTargetRow(*row))
        self._carriers = [(carrier, targets[sid]) for sid, carrier in carriers.items()]
        self._carrier_networks = []
        for sid, text in self._one("SELECT carrier_sid, network FROM carrier_addresses ORDER BY sid"):
            network = ipaddress.ip_network(text)
            if sid in carriers:
                self._carrier_networks.append(
                    (int(network.network_address), int(network.broadcast_address), carriers[sid])
                )
        rows = self._one(
            "SELECT DISTINCT instr(network, ':') > 0, CAST(substr(network, instr(network, '/') + 1) AS INTEGER)"
            " FROM acl_addresses"
        )
        self._acl_prefixes = [(6 if row[0] else 4, row[1]) for row in rows]

    # ---- trunks and accounts ----------------------------------------------------------------------------------------

    def _row(self, kind: Callable[..., Answer], sql: str, *values: str) -> Answer | None:
        """The first row of a query as a record."""
        row = self._one(sql, values).fetchone()
        return None if row is None else kind(*row)

    def _exists(self, sql: str, *values: str) -> bool:
        return self._one(sql, values).fetchone() is not None

    def _column(self, sql: str, *values: str) -> Sequence[str]:
        return [row[0] for row in self._one(sql, values)]

    def _trunk_by_label(self, label: str) -> TrunkRow | None:
        return self._row(TrunkRow, _TRUNK + "WHERE label = ?", label)

    def _trunk(self, trunk_sid: str) -> TrunkRow | None:
        return self._row(TrunkRow, _TRUNK + "WHERE sid = ?", trunk_sid)

    def _account(self, account_sid: str) -> AccountRow | None:
        return self._row(
            AccountRow, "SELECT sid, status, funds, spend_ok, cps, calls FROM accounts WHERE sid = ?", account_sid
        )

    def _destination_rules(self, account_sid: str) -> Mapping[str, bool]:
        return dict(self._one("SELECT scope, allowed FROM destination_rules WHERE account_sid = ?", (account_sid,)))

    # ---- authentication ---------------------------------------------------------------------------------------------

    def _has_credential_lists(self, trunk_sid: str) -> bool:
        return self._exists("SELECT 1 FROM trunk_credential_lists WHERE trunk_sid = ? LIMIT 1", trunk_sid)

    def _has_acls(self, trunk_sid: str) -> bool:
        return self._exists("SELECT 1 FROM trunk_acls WHERE trunk_sid = ? LIMIT 1", trunk_sid)

    def _trunk_networks(self, trunk_sid: str) -> Sequence[str]:
        return self._column(
            "SELECT a.network FROM trunk_acls t JOIN acl_addresses a ON a.acl_sid = t.acl_sid WHERE t.trunk_sid = ?",
            trunk_sid,
        )

    def _credential(self, trunk_sid: str, username: str) -> CredentialRow | None:
        return self._row(
            CredentialRow,
            _CREDENTIAL + " FROM trunk_credential_lists t JOIN credentials c ON c.list_sid = t.list_sid"
            " AND c.username = ? WHERE t.trunk_sid = ? ORDER BY c.list_sid LIMIT 1",
            username,
            trunk_sid,
        )

    def _trunks_by_username(self, username: str) -> Sequence[tuple[str, CredentialRow]]:
        rows = self._one(
            _CREDENTIAL + ", t.trunk_sid FROM credentials c JOIN trunk_credential_lists t"
            " ON t.list_sid = c.list_sid WHERE c.username = ? ORDER BY t.trunk_sid, c.list_sid",
            (username,),
        )
        return [(row[5], CredentialRow(*row[:5])) for row in rows]

    def _trunks_by_source(self, source_ip: str) -> Sequence[str]:
        """Looks the address up once for every prefix length that occurs in any list, so it stays quick with a million
        entries.
        """
        try:
            address = ipaddress.ip_address(source_ip)
        except ValueError:
            return []
        networks = [
            str(ipaddress.ip_network((address, prefix), strict=False))
            for family, prefix in self._acl_prefixes
            if family == address.version
        ]
        marks = ",".join("?" * len(networks))
        return self._column(
            "SELECT DISTINCT t.trunk_sid FROM acl_addresses a JOIN trunk_acls t ON t.acl_sid = a.acl_sid"  # noqa: S608
            f" WHERE a.network IN ({marks})",
            *networks,
        )

    def _is_listed(self, source_ip: str) -> bool:
        """Whether the address is in an access list of any customer, attached or not, or is a carrier's."""
        if self._carrier_by_source(source_ip) is not None:
            return True
        try:
            address = ipaddress.ip_address(source_ip)
        except ValueError:
            return False
        networks = [
            str(ipaddress.ip_network((address, prefix), strict=False))
            for family, prefix in self._acl_prefixes
            if family == address.version and prefix >= SHORTEST_PREFIX[family]
        ]
        marks = ",".join("?" * len(networks))
        return self._exists(f"SELECT 1 FROM acl_addresses WHERE network IN ({marks}) LIMIT 1", *networks)  # noqa: S608

    # ---- numbers ----------------------------------------------------------------------------------------------------

    def _phone_number(self, e164: str) -> PhoneNumberRow | None:
        return self._row(
            PhoneNumberRow,
            "SELECT phone_number, sid, account_sid, trunk_sid FROM phone_numbers WHERE phone_number = ?",
            e164,
        )

    def _owns_number(self, account_sid: str, e164: str) -> bool:
        return self._exists("SELECT 1 FROM phone_numbers WHERE phone_number = ? AND account_sid = ?", e164, account_sid)

    def _verified_caller_id(self, account_sid: str, e164: str) -> bool:
        return self._exists("SELECT 1 FROM caller_ids WHERE account_sid = ? AND phone_number = ?", account_sid, e164)

    def _origination_urls(self, trunk_sid: str) -> Sequence[OriginationUrlRow]:
        rows = self._one(
            "SELECT sid, trunk_sid, sip_url, priority, weight, enabled FROM origination_urls"
            " WHERE trunk_sid = ? ORDER BY sid",
            (trunk_sid,),
        )
        return [OriginationUrlRow(*row) for row in rows]

    # ---- registrations ----------------------------------------------------------------------------------------------

    def _takes_registrations(self) -> bool:
        return self._exists("SELECT 1 FROM trunks WHERE registration = 1 LIMIT 1")

    def registered(self, trunk_sid: str) -> Sequence[Contact]:
        """Asked anew for each call: the file is written by the SIP workers, not by the publisher."""
        try:
            return () if self._registrations is None else self._registrations.contacts(trunk_sid, self._looked)
        except sqlite3.Error:
            return ()  # a damaged file must not keep a call from the origination URLs; the next REGISTER mends it

    # ---- carriers ---------------------------------------------------------------------------------------------------

    def _carrier_by_source(self, source_ip: str) -> CarrierRow | None:
        try:
            address = int(ipaddress.ip_address(source_ip))
        except ValueError:
            return None
        for first, last, carrier in self._carrier_networks:
            if first <= address <= last:
                return carrier
        return None

    def carriers_with_targets(self) -> Sequence[tuple[CarrierRow, Sequence[CarrierTargetRow]]]:
        return self._carriers

    def carrier(self, carrier_sid: str) -> CarrierRow | None:
        return self._carrier_rows.get(carrier_sid)

    def rated_carriers(self) -> Collection[str]:
        return self._rated

    def _rates(self, e164: str) -> Mapping[str, RateRow]:
        found = {sid: self._rate(sid, e164) for sid in self._rated}
        return {sid: row for sid, row in found.items() if row is not None}

    def _rate(self, carrier_sid: str, e164: str) -> RateRow | None:
        """The greatest prefix up to the number, in the order of texts, begins with the longest that fits. Where it is
        not that one itself, it is looked for again among what both have in common.
        """
        upto = e164
        while upto:
            row = self._one(
                "SELECT prefix, price_micros, first_seconds, next_seconds FROM carrier_rates"
                " WHERE carrier_sid = ? AND prefix <= ? ORDER BY prefix DESC LIMIT 1",
                (carrier_sid, upto),
            ).fetchone()
            if row is None:
                return None
            if e164.startswith(row[0]):
                return RateRow(*row[1:])
            upto = os.path.commonprefix((e164, row[0]))  # noqa: RUF071  (characters are meant)
        return None

    def targets_down(self) -> Collection[str]:
        return self._passed_over

    def rest(self, target_sid: str, until: float, now: float) -> None:
        """No worker begins a call there until then. Raises OSError."""
        if self._resting is not None:
            self._resting.begin(target_sid, until, now)
