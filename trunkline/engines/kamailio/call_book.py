"""Which calls are up, and how fast they begin: one file that all SIP workers map into their memory.

Runs inside Kamailio (and in the recorder, which ends what no BYE has ended): standard library and core only. A file and
not Kamailio's own shared memory, because that is lost with each restart of Kamailio, and answered calls are not: their
places in the file wait for their ends. A worker that is killed while it holds the lock holds it no longer.

The file: a header, then `COUNTER_SETS` sets of counters, then `CALL_SETS` sets of calls. Where something stands follows
from its SID alone (the low bits of its random digits choose the set; a set has places for 8), so nothing is searched
for longer than one look over one set. A set that is full, which with the limits of an edge does not happen in practice,
means that a call is not counted; it is never a reason to refuse.

    counter: SID (16 bytes), calls up (i64), time at which the bucket is full again (f64)      32 bytes
    call: SID (16 bytes), place of the trunk's, the account's and the carrier's counter (i32; 0: none), over at the
          latest (u32, Unix seconds)                                                           32
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from math import ceil
from pathlib import Path

from trunkline.core.call_limits import CallLimits, Exceeded, after_one_more
from trunkline.core.policy import LONGEST_SETUP

MAGIC = b"trunkline calls2"
HEADER = 64
RECORD = 32
SET = 8 * RECORD
COUNTER_SETS = 16384
"""131,072 trunks and accounts that have had a call since the node was started."""
CALL_SETS = 16384
"""131,072 calls at a time."""
CALLS_AT = HEADER + COUNTER_SETS * SET
SIZE = CALLS_AT + CALL_SETS * SET
GRACE_SECONDS = 60
"""A call that nobody has ended is forgotten so long after its longest duration."""
SETUP_SECONDS = LONGEST_SETUP
"""What the time from INVITE to answer may add to it."""

LOOK_EVERY = 60.0
"""Seconds between two looks of a worker over all calls for some that must be over: it takes some milliseconds."""

_EMPTY = bytes(RECORD)
_EMPTY_SET = bytes(SET)
_call = struct.Struct("<16siiiI")


class CallBook:
    """One process's view of the file. Implements `core.call_limits.Counter`. Raises OSError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with self._locked():
                if os.fstat(self._file).st_size != SIZE or os.pread(self._file, len(MAGIC), 0) != MAGIC:
                    os.ftruncate(self._file, 0)
                    os.ftruncate(self._file, SIZE)
                    os.pwrite(self._file, MAGIC, 0)
            self._memory = mmap.mmap(self._file, SIZE)
            # The same memory as numbers of eight bytes: the third of a counter's record is its calls, the fourth its
            # time. For what every call reads and writes, struct takes twice as long.
            whole = memoryview(self._memory)
            self._up, self._full_at = whole.cast("q"), whole.cast("d")
            whole.release()
        except BaseException:
            os.close(self._file)
            raise
        self._places: dict[str, int] = {}
        self._looked = 0.0

    def close(self) -> None:
        self._up.release()
        self._full_at.release()
        self._memory.close()
        os.close(self._file)

    # ---- Counter ----------------------------------------------------------------------------------------------------

    def begin(self, call_sid: str, limits: CallLimits, now: float) -> Exceeded | None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            return self._begin(call_sid, limits, now)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def place_at(
        self, call_sid: str, carrier_sid: str | None, cps: float | None, calls: int | None, now: float
    ) -> bool:
        with self._locked():
            place = self._find(bytes.fromhex(call_sid[2:]), self._calls_of(call_sid))
            if place < 0:
                return True  # not counted
            sid, trunk, account, before, over_at = _call.unpack_from(self._memory, place)
            after = 0
            if carrier_sid is not None:
                after = max(0, self._counter_of(carrier_sid))
                if after and not self._takes_one(after, before, cps, calls, now):
                    return False
            self._add(before, -1)
            self._add(after, 1)
            _call.pack_into(self._memory, place, sid, trunk, account, after, over_at)
            return True

    def _takes_one(self, counter: int, before: int, cps: float | None, calls: int | None, now: float) -> bool:
        up, full_at = self._up[(counter >> 3) + 2], self._full_at[(counter >> 3) + 3]
        if calls is not None and up - (counter == before) >= calls and not self._forget_old(now):
            return False
        if cps is not None:
            after = after_one_more(full_at, cps, now)
            if after is None:
                return False
            self._full_at[(counter >> 3) + 3] = after
        return True

    def end(self, call_sid: str) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            start = self._calls_of(call_sid)
            place = self._find(bytes.fromhex(call_sid[2:]), start)
            if place >= 0:
                self._forget(place)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    # ---- what is in it ----------------------------------------------------------------------------------------------

    def calls_up(self, sid: str) -> int:
        """How many calls of this trunk or account are counted now."""
        with self._locked():
            place = self._counter_of(sid)
            return 0 if place < 0 else self._up[(place >> 3) + 2]

    def recount(self, now: float) -> None:
        """Count the calls anew and forget those that must be over; for the start of the edge, when nobody else asks.

        A worker that was killed in the middle of a line may have left a count that is off by one.
        """
        with self._locked():
            for place in self._used(HEADER, CALLS_AT):
                self._up[(place >> 3) + 2] = 0
            for place in self._used(CALLS_AT, SIZE):
                _, *counters, over_at = _call.unpack_from(self._memory, place)
                if over_at < now:
                    self._memory[place : place + RECORD] = _EMPTY
                else:
                    for counter in counters:
                        self._add(counter, 1)

    # ---- inside the lock --------------------------------------------------------------------------------------------

    def _begin(self, call_sid: str, limits: CallLimits, now: float) -> Exceeded | None:
        trunk, account = self._counter_of(limits.trunk_sid), self._counter_of(limits.account_sid)
        if trunk < 0 or account < 0:
            return None
        up, full_at = self._up, self._full_at
        of_trunk, of_account = trunk >> 3, account >> 3
        trunk_calls, trunk_full = up[of_trunk + 2], full_at[of_trunk + 3]
        account_calls, account_full = up[of_account + 2], full_at[of_account + 3]
        if limits.account_cps:
            one = after_one_more(trunk_full, limits.trunk_cps, now)
            two = after_one_more(account_full, limits.account_cps, now)
            if not limits.always and one is None:
                return "trunk_cps"
            if not limits.always and two is None:
                return "account_cps"
            trunk_full, account_full = one or trunk_full, two or account_full
        if not limits.always and (trunk_calls >= limits.trunk_calls or account_calls >= limits.account_calls):
            if self._forget_old(now):
                return self._begin(call_sid, limits, now)
            return "trunk_calls" if trunk_calls >= limits.trunk_calls else "account_calls"
        place = self._free(self._calls_of(call_sid))
        if place >= 0:
            over_at = now + limits.longest + SETUP_SECONDS + GRACE_SECONDS
            _call.pack_into(self._memory, place, bytes.fromhex(call_sid[2:]), trunk, account, 0, ceil(over_at))
            up[of_trunk + 2] = trunk_calls + 1
            up[of_account + 2] = account_calls + 1
        full_at[of_trunk + 3], full_at[of_account + 3] = trunk_full, account_full
        return None

    def _forget_old(self, now: float) -> bool:
        """Before a call is refused for want of a place: calls that must be over. True when there were any."""
        if abs(now - self._looked) < LOOK_EVERY:
            return False
        self._looked = now
        old = [place for place in self._used(CALLS_AT, SIZE) if _call.unpack_from(self._memory, place)[4] < now]
        for place in old:
            self._forget(place)
        return bool(old)

    def _used(self, start: int, end: int) -> Iterator[int]:
        """Places with something in them."""
        for first in range(start, end, SET):
            if self._memory[first : first + SET] != _EMPTY_SET:
                for place in range(first, first + SET, RECORD):
                    if self._memory[place : place + 16] != _EMPTY[:16]:
                        yield place

    def _forget(self, place: int) -> None:
        _, *counters, _ = _call.unpack_from(self._memory, place)
        self._memory[place : place + RECORD] = _EMPTY
        for counter in counters:
            self._add(counter, -1)

    def _add(self, counter: int, calls: int) -> None:
        if not counter:
            return
        at = (counter >> 3) + 2
        self._up[at] = max(0, self._up[at] + calls)

    def _counter_of(self, sid: str) -> int:
        """Where its counter stands; made where there is none. -1: its set is full."""
        place = self._places.get(sid)
        if place is None:
            key = bytes.fromhex(sid[2:])
            start = HEADER + int(sid[-4:], 16) % COUNTER_SETS * SET
            place = self._find(key, start)
            if place < 0:
                place = self._free(start)
                if place < 0:
                    return -1
                self._memory[place : place + 16] = key
            self._places[sid] = place
        return place

    @staticmethod
    def _calls_of(call_sid: str) -> int:
        return CALLS_AT + int(call_sid[-4:], 16) % CALL_SETS * SET

    def _find(self, key: bytes, start: int) -> int:
        place = self._memory.find(key, start, start + SET)
        while place >= 0 and (place - start) % RECORD:
            place = self._memory.find(key, place + 1, start + SET)
        return place

    def _free(self, start: int) -> int:
        memory = self._memory
        for place in range(start, start + SET, RECORD):
            if memory[place : place + 16] == _EMPTY[:16]:
                return place
        return -1

    def _locked(self) -> _Lock:
        return _Lock(self._file)


class _Lock:
    """The file, for one process at a time."""

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)
