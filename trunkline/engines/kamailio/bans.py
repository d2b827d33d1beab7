"""Bans, as a SIP worker makes them: counts and bans live in Kamailio's shared memory (htable), the rules in
core/defence.py.

Runs inside Kamailio: standard library and core only. Tables (kamailio.cfg): `banned` (source → why, since, until),
`offences` (kind, source and minute → how many), `banned_before` (source → how often), `known` (sources that answered a
challenge well), `friend` (source → 1 somebody's, 0 nobody's; for a second, so that a change of the lists is followed).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any, Protocol

from trunkline.core import defence
from trunkline.core.cause import Cause, cause_texts
from trunkline.core.defence import Offence
from trunkline.core.networks import NetworkError

KNOWN_SECONDS = 86400
"""For so long after its last good answer to a challenge a source counts as somebody's."""
KNOWN_AGAIN = 600.0
"""Seconds after which a worker says so again: not for each call."""
KNOWN_MOST = 4096


class Lists(Protocol):
    """What is asked of the routing data (`RoutingDb`)."""

    def is_listed(self, source_ip: str) -> bool: ...


class Bans:
    """The defence of one SIP worker."""

    def __init__(
        self,
        htable: Any,
        own_addresses: frozenset[str],
        first_ban: int,
        front_socket: str,
        tell: Callable[[dict[str, object], float], None],
    ) -> None:
        """`tell` writes an event; `front_socket`: the TLS front's JSON-RPC socket."""
        self._htable = htable
        self._own = frozenset(map(_key, own_addresses))
        self._first_ban = first_ban
        self._front = front_socket
        self._tell = tell
        self._welcomed: dict[str, float] = {}
        self._to_front: socket.socket | None = None

    def welcome(self, source: str, now: float) -> None:
        """This source answered a challenge well: it is a customer's."""
        if now - self._welcomed.get(source, 0.0) < KNOWN_AGAIN:
            return
        if len(self._welcomed) >= KNOWN_MOST:
            self._welcomed.clear()
        self._welcomed[source] = now
        self._htable.sht_setxi("known", _key(source), 1, KNOWN_SECONDS)

    def is_somebodys(self, source: str, lists: Lists) -> bool:
        """Whether the source may never be banned; kamailio.cfg finds the answer in `friend` for the next second."""
        key = _key(source)
        found = key in self._own or lists.is_listed(source) or self._htable.sht_get("known", key) is not None
        self._htable.sht_seti("friend", key, int(found))
        return found

    def refused(self, cause: Cause, source: str, agent: str | None, lists: Lists, now: float) -> None:
        """A request of this source was refused for `cause`."""
        offence = defence.OFFENCE_OF.get(cause)
        if offence is not None:
            self.note(offence, source, agent, lists, now)

    def challenged(self, source: str, agent: str | None, lists: Lists, now: float) -> bool:
        """A request without credentials is about to be challenged. True: by a scanner, which gets a ban instead."""
        return defence.is_scanner(agent) and self.note(Offence.SCANNER, source, agent, lists, now)

    def note(self, offence: Offence, source: str, agent: str | None, lists: Lists, now: float) -> bool:
        """Count it; ban the source when it was one too many and the source is nobody's. True: it is banned.

        FLOOD comes when kamailio.cfg has counted already.
        """
        if defence.is_scanner(agent):
            offence = Offence.SCANNER
        key = _key(source)
        if offence not in (Offence.FLOOD, Offence.SCANNER):
            count = self._htable.sht_inc("offences", f"{offence.name} {key} {int(now) // offence.seconds}")
            if count <= offence.limit:
                return False
        if self.is_somebodys(source, lists):
            return False
        self._ban(offence, source, key, agent or "", now)
        return True

    def _ban(self, offence: Offence, source: str, key: str, agent: str, now: float) -> None:
        if self._htable.sht_inc("banning", key) != 1:
            return  # another worker is at it
        number = int(self._htable.sht_inc("banned_before", key))
        seconds = defence.ban_seconds(number, self._first_ban)
        value = defence.ban_value(offence, now, seconds, number)
        self._htable.sht_setxs("banned", key, value, seconds)
        self._tell_front(key, value, seconds)
        why = offence.told(agent)
        text = cause_texts(Cause.SOURCE_BANNED, {"source": source, "detail": why, "seconds": seconds})[1]
        self._tell(
            {
                "e": "alert",
                "at": now,
                "code": Cause.SOURCE_BANNED.code,
                "level": Cause.SOURCE_BANNED.level,
                "text": text,
                "source": source,
                "account": None,
                "trunk": None,
                "seen": {
                    "cause": Cause.SOURCE_BANNED.name,
                    "offence": offence.name,
                    "user_agent": agent,
                    "seconds": seconds,
                    "ban": number,
                },
            },
            now,
        )

    def _tell_front(self, key: str, value: str, seconds: int) -> None:
        """So that TLS of this source ends there. Never waits: the edge itself drops what the front still lets by."""
        order = {"jsonrpc": "2.0", "method": "htable.setxs", "params": ["banned", key, value, seconds], "id": 1}
        try:
            if self._to_front is None:
                self._to_front = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._to_front.setblocking(False)
                self._to_front.bind("")  # a name of the kernel's own, so that the answer has a place to go to
            self._forget_answers(self._to_front)
            self._to_front.sendto(json.dumps(order).encode(), self._front)
        except OSError:
            return  # no front, or it is busy

    @staticmethod
    def _forget_answers(client: socket.socket) -> None:
        try:
            while client.recv(4096):
                pass
        except BlockingIOError:
            return


def _key(source: str) -> str:
    """The source as it stands in Kamailio's tables, also when it is no address (a local program at the inner port)."""
    try:
        return defence.source_key(source)
    except NetworkError:
        return source
