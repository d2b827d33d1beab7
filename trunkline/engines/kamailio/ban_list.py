"""The bans of a running edge, from outside: list them, lift one, add one. Kamailio's shared memory holds them
(bans.py), and a restart of Kamailio forgets them.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from trunkline.core import defence
from trunkline.core.defence import Ban, Offence
from trunkline.engines.kamailio.config import edge_socket, front_socket
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioRpc, KamailioUnreachable
from trunkline.settings import Settings


class BanList:
    """Every method raises KamailioUnreachable when the edge does not answer. The TLS front follows where it is up."""

    def __init__(self, settings: Settings) -> None:
        self._edge = KamailioRpc(edge_socket(settings))
        self._front = KamailioRpc(front_socket(settings))

    def all(self) -> list[Ban]:
        """The bans that hold now, the newest first."""
        now = time.time()
        rows = _rows(self._edge.call("htable.dump", ["banned"]))
        bans = [ban for key, value in rows if (ban := defence.ban_of(key, value)) is not None]
        return sorted((ban for ban in bans if ban.until > now), key=lambda ban: (-ban.since, ban.address))

    def find(self, address: str) -> Ban | None:
        """Raises NetworkError when the address is none."""
        key = defence.source_key(address)
        return next((ban for ban in self.all() if defence.source_key(ban.address) == key), None)

    def lift(self, address: str) -> bool:
        """Let the source in again at once, and forget what it did. False: it was not banned. Raises NetworkError."""
        key = defence.source_key(address)
        was_banned = self.find(address) is not None
        minute = int(time.time()) // 60
        counts = [f"{offence.name} {key} {minute}" for offence in Offence]
        for table, entry in [("banned", key), ("banned_before", key), *(("offences", count) for count in counts)]:
            _delete(self._edge, table, entry)
        with contextlib.suppress(KamailioUnreachable):
            _delete(self._front, "banned", key)
        return was_banned

    def add(self, address: str, seconds: int) -> Ban:
        """Ban a source, whosever it is: the operator's word is final. Raises NetworkError."""
        key = defence.source_key(address)
        value = defence.ban_value(Offence.OPERATOR, time.time(), seconds, 1)
        self._edge.call("htable.setxs", ["banned", key, value, seconds])
        with contextlib.suppress(KamailioUnreachable, KamailioRefused):
            self._front.call("htable.setxs", ["banned", key, value, seconds])
        ban = defence.ban_of(key, value)
        assert ban is not None
        return ban


def _delete(kamailio: KamailioRpc, table: str, key: str) -> None:
    with contextlib.suppress(KamailioRefused):  # there is no such row
        kamailio.call("htable.delete", [table, key])


def _rows(dumped: Any) -> list[tuple[str, str]]:
    """`htable.dump`: a list of slots, each with its rows; nothing for an empty table."""
    slots = dumped if isinstance(dumped, list) else []
    return [(str(row["name"]), str(row["value"])) for slot in slots for row in slot.get("slot", [])]
