"""Calls in progress, in memory: lines of the spool go in, what has to be stored comes out.

Memory is a cache of the store and nothing more. A call that is not here (it began before this recorder did, or is long
over) is loaded from there when a line speaks of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.core.call_alerts import AlertRecord, alert_of_edge, alert_sid, alerts_of_call
from trunkline.core.cdr import Cdr, EventError, close_unanswered, note, settle
from trunkline.core.event_fields import text, time_us
from trunkline.node.spool_reader import BadLine, Line, Portion

CALL_SID = re.compile(r"CA[0-9a-f]{32}")
REMEMBER_SECONDS = 5
"""A call that is over stays in memory for one to two times as long, for lines that other processes write late."""
EVICT_SECONDS = 1800
"""A call that began so long ago waits for its end in the store alone."""
UNREADABLE_LINE = 20500
"""Error code of the alert for a line that cannot be read: the API's "internal error"."""


class Stored(Protocol):
    """What the ledger asks of the store (`CallLog`)."""

    def load(self, sids: Iterable[str]) -> dict[str, Cdr]: ...
    def unanswered(self, edge: str, before_us: int) -> dict[str, Cdr]: ...


@dataclass(slots=True)
class Gathered:
    """What one portion of the spool changes."""

    new: dict[str, Cdr] = field(default_factory=dict)
    """Calls that the store does not have yet."""
    renewed: dict[str, Cdr] = field(default_factory=dict)
    """Calls that it has, and of which the INVITE came now."""
    known: dict[str, Cdr] = field(default_factory=dict)
    """Other calls that it has."""
    over: list[Cdr] = field(default_factory=list)
    """Those of them that ended now: their media can go."""
    alerts: list[AlertRecord] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)

    @property
    def calls(self) -> dict[str, Cdr]:
        return {**self.new, **self.renewed, **self.known}


class CallLedger:
    def __init__(self, stored: Stored, spool: str, now: float) -> None:
        """`spool`: the spool's name; `now`: seconds, by the clock that `committed` is told."""
        self._stored = stored
        self._spool = spool
        self._open: dict[str, Cdr] = {}
        self._over: dict[str, Cdr] = {}
        self._over_longer: dict[str, Cdr] = {}
        self._turn_at = now + REMEMBER_SECONDS

    def __len__(self) -> int:
        """Calls in memory."""
        return len(self._open) + len(self._over) + len(self._over_longer)

    def gather(self, portion: Portion) -> Gathered:
        """Note every line. Raises what the store raises, and then nothing has changed."""
        gathered = Gathered(bad=list(portion.bad))
        of_calls, restarts = self._sorted(portion.lines, gathered)
        invited = {line.event["sid"] for line in of_calls if line.event["e"] == "invite"}
        unknown = {sid for line in of_calls if self._find(sid := line.event["sid"]) is None} - invited
        loaded = self._stored.load(unknown) if unknown else {}
        for edge, at_us in restarts:
            waiting = self._stored.unanswered(edge, at_us)
            loaded.update({sid: cdr for sid, cdr in waiting.items() if self._find(sid) is None})
        self._note(of_calls, loaded, gathered)
        self._close(restarts, loaded, gathered)
        for cdr in gathered.calls.values():
            settle(cdr)
        gathered.alerts += [_alert_of(bad, self._spool) for bad in gathered.bad]
        return gathered

    def _sorted(self, lines: list[Line], gathered: Gathered) -> tuple[list[Line], list[tuple[str, int]]]:
        """Lines of calls, and starts of edges as (edge, microseconds). Alerts of the edge go where they belong."""
        of_calls: list[Line] = []
        restarts: list[tuple[str, int]] = []
        for line in lines:
            kind = line.event.get("e")
            try:
                if kind == "edge_started":
                    restarts.append((text(line.event["edge"]), time_us(line.event["at"])))
                elif kind == "alert":
                    gathered.alerts.append(alert_of_edge(line.event, f"{self._spool}/{line.segment}:{line.offset}"))
                elif CALL_SID.fullmatch(line.event["sid"]):
                    of_calls.append(line)
                else:
                    raise ValueError("sid is no call's SID")
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                gathered.bad.append(_bad(line, f"{kind}: {error!r}"))
        return of_calls, restarts

    def _find(self, sid: str) -> Cdr | None:
        return self._open.get(sid) or self._over.get(sid) or self._over_longer.get(sid)

    def _note(self, lines: list[Line], loaded: Mapping[str, Cdr], gathered: Gathered) -> None:
        for line in lines:
            sid = line.event["sid"]
            cdr = gathered.new.get(sid) or gathered.known.get(sid) or gathered.renewed.get(sid)
            if cdr is None:
                cdr = self._take(sid, loaded, gathered)
            open_before = cdr.ended_us is None
            try:
                note(cdr, line.event)
                gathered.alerts += alerts_of_call(cdr, line.event)
            except EventError as error:
                gathered.bad.append(_bad(line, str(error)))
                continue
            if open_before and cdr.ended_us is not None:
                gathered.over.append(cdr)
            if line.event["e"] == "invite" and sid in gathered.known:
                gathered.renewed[sid] = gathered.known.pop(sid)
        for sid in [sid for sid, cdr in gathered.new.items() if not cdr.started_us]:
            del gathered.new[sid]  # none of its lines could be read

    def _take(self, sid: str, loaded: Mapping[str, Cdr], gathered: Gathered) -> Cdr:
        cdr = self._find(sid) or loaded.get(sid)
        if cdr is not None:
            gathered.known[sid] = cdr
        else:
            cdr = gathered.new[sid] = Cdr(sid)
        return cdr

    def _close(self, restarts: list[tuple[str, int]], loaded: Mapping[str, Cdr], gathered: Gathered) -> None:
        for edge, at_us in restarts:
            for cdr in [*self._open.values(), *gathered.new.values(), *loaded.values()]:
                if cdr.edge == edge and close_unanswered(cdr, at_us):
                    gathered.over.append(cdr)
                    if cdr.sid not in gathered.new and cdr.sid not in gathered.renewed:
                        gathered.known[cdr.sid] = cdr

    def reconcile(self, gathered: Gathered, portion: Portion) -> None:
        """The store has some of `gathered.new` after all: note this portion on what it has. Raises what the store
        raises."""
        stored = self._stored.load(gathered.new)
        for sid, cdr in stored.items():
            for line in portion.lines:
                if line.event.get("sid") == sid and line.event["e"] != "alert":
                    try:
                        note(cdr, line.event)
                    except EventError:
                        continue  # it stands in gathered.bad already
            settle(cdr)
            del gathered.new[sid]
            gathered.renewed[sid] = cdr

    def committed(self, gathered: Gathered, now: float) -> None:
        """It is stored: remember what may still be spoken of."""
        for sid, cdr in gathered.calls.items():
            cdr.changed_attempts.clear()
            if cdr.ended_us is None:
                self._open[sid] = cdr
            else:
                self._open.pop(sid, None)
                self._over[sid] = cdr
        if now >= self._turn_at:
            self._over_longer, self._over = self._over, {}
            self._turn_at = now + REMEMBER_SECONDS

    def evict(self, now: float) -> None:
        """Forget calls that began long ago. `now`: Unix seconds."""
        before_us = round((now - EVICT_SECONDS) * 1_000_000)
        for sid in [sid for sid, cdr in self._open.items() if cdr.started_us < before_us]:
            del self._open[sid]

    def clear(self) -> None:
        """Forget everything: the store was changed by somebody else."""
        self._open, self._over, self._over_longer = {}, {}, {}


def _bad(line: Line, problem: str) -> BadLine:
    return BadLine(line.segment, line.offset, json.dumps(line.event).encode(), problem)


def _alert_of(bad: BadLine, spool: str) -> AlertRecord:
    line = text(bad.raw.decode("utf-8", "replace"))
    minute = re.sub(r"\D", "", bad.segment)
    return AlertRecord(
        sid=alert_sid("bad line", spool, bad.segment, bad.offset),
        account_sid=None,
        error_code=UNREADABLE_LINE,
        log_level="error",
        alert_text=text(f"A line of the spool could not be read ({bad.problem}); it is kept in spool/rejected.jsonl."),
        resource_sid=None,
        service_sid=None,
        generated_us=int(minute or 0) * 60_000_000,
        request_variables={"segment": bad.segment, "offset": bad.offset, "line": line},
    )
