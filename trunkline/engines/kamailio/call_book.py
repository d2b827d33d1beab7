"""Which calls are up, and how fast they begin: one file that all SIP workers map into their memory.

Runs inside Kamailio (and in the recorder, which ends what no BYE has ended): standard library and core only. A file and
not Kamailio's own shared memory, because that is lost with each restart of Kamailio, and answered calls are not: their
places in the file wait for their ends. A worker that is killed while it holds the lock holds it no longer.

The file: a header, then `SETS` sets of counters, then as many of calls; all of it numbers of eight bytes.
Where something stands follows from its SID alone (the low bits of its random digits choose the set; a set has places
for 8), so nothing is searched for longer than one look over one set. A set that is full, which with the limits of an
edge does not happen in practice, means that a call is not counted; it is never a reason to refuse.

    counter: the last 15 digits of its SID (0: nobody's place), the 16 before them, calls up, time at which the bucket
             is full again (f64)
    call: the last 15 digits of its SID (60 bits of chance; 0: nobody's place), the places of its counters (trunk,
          account and carrier, 20 bits each, counted in numbers from the start of the file; 0: none), over at the
          latest (Unix seconds), nothing

What names a place is written last and taken away first: whoever is killed in between leaves nobody's place.
"""

from __future__ import annotations

import mmap
import os
from fcntl import LOCK_EX, LOCK_UN, lockf
from pathlib import Path

from trunkline.core.call_limits import CallLimits, Exceeded, after_one_more
from trunkline.core.policy import LONGEST_SETUP

MAGIC = b"trunkline calls3"
NUMBER = 8
"""Bytes. All that follows is counted in numbers, but for `SIZE`."""
HEADER = 8
RECORD = 4
SET = 8 * RECORD
SETS = 16384
"""Of each kind: 131,072 trunks and accounts that have had a call since the node was started, as many calls at once."""
CALLS_AT = HEADER + SETS * SET
END = CALLS_AT + SETS * SET
SIZE = END * NUMBER
"""Bytes of the file."""
GRACE_SECONDS = 60
"""A call that nobody has ended is forgotten so long after its longest duration."""
SETUP_SECONDS = LONGEST_SETUP
"""What the time from INVITE to answer may add to it."""

LOOK_EVERY = 60.0
"""Seconds between two looks of a worker over all calls for some that must be over: it takes some milliseconds."""

REST, UP, FULL_AT = 1, 2, 3
"""Of a counter's record."""
COUNTERS, OVER_AT = 1, 2
"""Of a call's."""
BITS = 20
"""Of the place of a counter."""
ONE = (1 << BITS) - 1


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
            # The same memory as numbers: with struct and slices of bytes, what every call reads and writes takes twice
            # as long.
            whole = memoryview(self._memory)
            self._numbers, self._times = whole.cast("Q"), whole.cast("d")
            whole.release()
        except BaseException:
            os.close(self._file)
            raise
        self._places: dict[str, int] = {}
        self._looked = 0.0

    def close(self) -> None:
        self._numbers.release()
        self._times.release()
        self._memory.close()
        os.close(self._file)

    # ---- Counter ----------------------------------------------------------------------------------------------------

    def begin(self, call_sid: str, limits: CallLimits, now: float) -> Exceeded | None:
        lockf(self._file, LOCK_EX)
        try:
            return self._begin(call_sid, limits, now)
        finally:
            lockf(self._file, LOCK_UN)

    def place_at(
        self, call_sid: str, carrier_sid: str | None, cps: float | None, calls: int | None, now: float
    ) -> bool:
        with self._locked():
            place = self._call(call_sid)
            if not place:
                return True  # not counted
            counters = self._numbers[place + COUNTERS]
            before, after = counters >> 2 * BITS, 0
            if carrier_sid is not None:
                after = self._counter_of(carrier_sid)
                if after and not self._takes_one(after, before, cps, calls, now):
                    return False
            self._add(before, -1)
            self._add(after, 1)
            self._numbers[place + COUNTERS] = counters & (1 << 2 * BITS) - 1 | after << 2 * BITS
            return True

    def _takes_one(self, counter: int, before: int, cps: float | None, calls: int | None, now: float) -> bool:
        up, full_at = self._numbers[counter + UP], self._times[counter + FULL_AT]
        if calls is not None and up - (counter == before) >= calls and not self._forget_old(now):
            return False
        if cps is not None:
            after = after_one_more(full_at, cps, now)
            if after is None:
                return False
            self._times[counter + FULL_AT] = after
        return True

    def end(self, call_sid: str) -> None:
        lockf(self._file, LOCK_EX)
        try:
            place = self._call(call_sid)
            if place:
                self._forget(place)
        finally:
            lockf(self._file, LOCK_UN)

    # ---- what is in it ----------------------------------------------------------------------------------------------

    def calls_up(self, sid: str) -> int:
        """How many calls of this trunk or account are counted now."""
        with self._locked():
            place = self._counter_of(sid)
            return self._numbers[place + UP] if place else 0

    def recount(self, now: float) -> None:
        """Count the calls anew and forget those that must be over; for the start of the edge, when nobody else asks.

        A worker that was killed in the middle of a line may have left a count that is off by one.
        """
        with self._locked():
            for counter in self._used(HEADER, CALLS_AT):
                self._numbers[counter + UP] = 0
            for place in self._used(CALLS_AT, END):
                if self._numbers[place + OVER_AT] < now:
                    self._numbers[place] = 0
                else:
                    for counter in self._counters(place):
                        self._add(counter, 1)

    # ---- inside the lock --------------------------------------------------------------------------------------------

    def _begin(self, call_sid: str, limits: CallLimits, now: float) -> Exceeded | None:
        trunk_sid, account_sid, trunk_cps, account_cps, most_of_trunk, most_of_account, longest, always = limits
        known = self._places.get
        trunk = known(trunk_sid) or self._counter_of(trunk_sid)
        account = known(account_sid) or self._counter_of(account_sid)
        if not trunk or not account:
            return None
        numbers, times = self._numbers, self._times
        trunk_full = account_full = None
        if account_cps:
            trunk_full = after_one_more(times[trunk + FULL_AT], trunk_cps, now)
            account_full = after_one_more(times[account + FULL_AT], account_cps, now)
            if not always and (trunk_full is None or account_full is None):
                return "trunk_cps" if trunk_full is None else "account_cps"
        of_trunk, of_account = numbers[trunk + UP], numbers[account + UP]
        if not always and (of_trunk >= most_of_trunk or of_account >= most_of_account):
            if self._forget_old(now):
                return self._begin(call_sid, limits, now)
            return "trunk_calls" if of_trunk >= most_of_trunk else "account_calls"
        key, at = _key_and_set(call_sid)
        for place in range(CALLS_AT + at, CALLS_AT + at + SET, RECORD):
            if not numbers[place]:
                numbers[place + COUNTERS] = trunk | account << BITS
                numbers[place + OVER_AT] = int(now) + longest + SETUP_SECONDS + GRACE_SECONDS
                numbers[place] = key
                numbers[trunk + UP] = of_trunk + 1
                numbers[account + UP] = of_account + 1
                break
        if trunk_full is not None:
            times[trunk + FULL_AT] = trunk_full
        if account_full is not None:
            times[account + FULL_AT] = account_full
        return None

    def _forget_old(self, now: float) -> bool:
        """Before a call is refused for want of a place: calls that must be over. True when there were any."""
        if abs(now - self._looked) < LOOK_EVERY:
            return False
        self._looked = now
        old = [place for place in self._used(CALLS_AT, END) if self._numbers[place + OVER_AT] < now]
        for place in old:
            self._forget(place)
        return bool(old)

    def _used(self, start: int, end: int) -> list[int]:
        """The places with a name in them."""
        names = self._numbers[start:end:RECORD].tolist()
        return [start + at * RECORD for at, name in enumerate(names) if name]

    def _counters(self, place: int) -> tuple[int, int, int]:
        """Of the call at this place."""
        counters = self._numbers[place + COUNTERS]
        return counters & ONE, counters >> BITS & ONE, counters >> 2 * BITS

    def _forget(self, place: int) -> None:
        self._numbers[place] = 0
        for counter in self._counters(place):
            if counter:
                self._add(counter, -1)

    def _add(self, counter: int, calls: int) -> None:
        """`counter`: 0 is none. A count that a killed worker left wrong does not go below 0."""
        if counter:
            up = self._numbers[counter + UP] + calls
            if up >= 0:
                self._numbers[counter + UP] = up

    def _call(self, call_sid: str) -> int:
        """Where it stands; 0: it is not counted."""
        key, at = _key_and_set(call_sid)
        numbers = self._numbers
        for place in range(CALLS_AT + at, CALLS_AT + at + SET, RECORD):
            if numbers[place] == key:
                return place
        return 0

    def _counter_of(self, sid: str) -> int:
        """Where its counter stands; made where there is none. 0: its set is full."""
        place = self._places.get(sid)
        if place is not None:
            return place
        numbers, rest, (key, at) = self._numbers, int(sid[3:19], 16), _key_and_set(sid)
        for place in range(HEADER + at, HEADER + at + SET, RECORD):
            if not numbers[place]:
                numbers[place + REST] = rest
                numbers[place] = key
            if numbers[place] == key and numbers[place + REST] == rest:
                self._places[sid] = place
                return place
        return 0

    def _locked(self) -> _Lock:
        return _Lock(self._file)


def _key_and_set(sid: str) -> tuple[int, int]:
    """What names it in its place, and where its set begins among all of its kind."""
    key = int(sid[19:], 16) or 1
    return key, (key & SETS - 1) * SET


class _Lock:
    """The file, for one process at a time."""

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> None:
        lockf(self._file, LOCK_EX)

    def __exit__(self, *_: object) -> None:
        lockf(self._file, LOCK_UN)
