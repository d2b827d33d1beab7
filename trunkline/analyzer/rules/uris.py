"""Contacts and routes of a message, read once more from their headers."""

from __future__ import annotations

from functools import lru_cache

from trunkline.analyzer.model.message import Message, NameAddr
from trunkline.analyzer.sip.address import read_name_addr, split_values


def name_addr(value: str) -> NameAddr | None:
    """One value of a Contact, Route or Record-Route; None where it cannot be read."""
    return read_name_addr(value)


def contacts_of(message: Message | None) -> list[NameAddr]:
    """All contacts but `*`."""
    return list(_values(message, "Contact"))


def contact_of(message: Message | None) -> NameAddr | None:
    """The first contact."""
    return next(iter(_values(message, "Contact")), None)


def routes_of(message: Message | None) -> list[NameAddr]:
    """Route values, the next hop first."""
    return list(_values(message, "Route"))


def record_routes(message: Message | None) -> list[NameAddr]:
    """Record-Route values, as they stand."""
    return list(_values(message, "Record-Route"))


def _values(message: Message | None, name: str) -> tuple[NameAddr, ...]:
    if message is None or not message.has(name):
        return ()
    lines = message.head.all_values(name)
    if len(lines) == 1 and len(lines[0]) <= _LONGEST_KEPT:
        return _read(lines[0])
    return tuple(read for read in message.addresses(name) if read.uri != "*")


_LONGEST_KEPT = 512


@lru_cache(maxsize=8192)
def _read(line: str) -> tuple[NameAddr, ...]:
    """The same few stand in all messages of a dialog, and several rules ask for them."""
    found = (read_name_addr(value) for value in split_values(line))
    return tuple(read for read in found if read is not None and read.uri != "*")


def forget() -> None:
    """Empties what is kept: an analysis leaves nothing of its input behind."""
    _read.cache_clear()
