"""How much of what begins has to be put off, because more comes in than the SIP workers handle.

Runs inside Kamailio, in a process of its own (`rtimer` in kamailio.cfg), twenty times a second: standard library only.
What waits in a UDP socket makes each message later than the last. From half a second on, senders repeat what has
arrived already, which is more work, and does not end when its cause does (docs/decisions/0013-overload.md).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

SO_MEMINFO = 55
"""Linux: what the buffers of a socket hold. The first word: bytes that were received and not yet read, with what the
kernel puts around them, some 2,300 for a message. The second: how many there may be.
"""
SOME_FROM = 128 << 10
"""Bytes for each worker from which some calls are put off: 60 messages, 30 ms of its work."""
ALL_FROM = 1 << 20
"""And all of them: a quarter of a second. In a socket that is not so large, three quarters of what it takes."""


def percent_put_off(waiting: int, room: int, workers: int) -> int:
    """0 to 100. `waiting`: bytes in the socket that `workers` processes read from, `room`: how many it takes."""
    everything = min(ALL_FROM * workers, room * 3 // 4)
    some = everything * SOME_FROM // ALL_FROM
    return min(100, max(0, (waiting - some) * 100 // (everything - some)))


class Overload:
    """Of one node, in the process that looks."""

    def __init__(self, ksr: Any, port: int, workers: int, log_bug: Callable[[], None]) -> None:
        """`port`: of the UDP sockets, each with so many workers."""
        self._ksr, self._port, self._workers, self._log_bug = ksr, port, workers, log_bug
        self._sockets: tuple[socket.socket, ...] = ()
        self._said = 0

    def look(self, _message: object) -> int:
        """Leaves the percentage in `$shv(busy)`."""
        try:
            # Kamailio opens them after it has loaded this.
            self._sockets = self._sockets or tuple(udp_sockets(self._port))
            now = max((percent_put_off(*memory(one), self._workers) for one in self._sockets), default=0)
            if now != self._said:
                self._ksr.pv.seti("$shv(busy)", now)
                self._said = now
        except Exception:  # noqa: BLE001  calls go on
            self._log_bug()
        return 1


def memory(one: socket.socket) -> tuple[int, int]:
    """Bytes that wait, and how many may."""
    waiting, room = struct.unpack_from("II", one.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))
    return int(waiting), int(room)


def udp_sockets(port: int) -> Iterator[socket.socket]:
    """This process's own, on that port, each by a descriptor of its own."""
    for name in os.listdir("/proc/self/fd"):
        try:
            found = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue  # a file, or what the listing itself was read from
        address = found.getsockname() if found.family in (socket.AF_INET, socket.AF_INET6) else None
        if found.type == socket.SOCK_DGRAM and address is not None and address[1] == port:
            yield found
        else:
            found.close()
