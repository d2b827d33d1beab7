"""Contacts and routes of a message, read once more from their headers."""

from __future__ import annotations

from trunkline.analyzer.model.message import Message, NameAddr
from trunkline.analyzer.sip.address import read_name_addr


def name_addr(value: str) -> NameAddr | None:
    """One value of a Contact, Route or Record-Route; None where it cannot be read."""
    return read_name_addr(value)


def contacts_of(message: Message | None) -> list[NameAddr]:
    """All contacts but `*`."""
    return _values(message, "Contact")


def contact_of(message: Message | None) -> NameAddr | None:
    """The first contact."""
    return next(iter(contacts_of(message)), None)


def routes_of(message: Message | None) -> list[NameAddr]:
    """Route values, the next hop first."""
    return _values(message, "Route")


def record_routes(message: Message | None) -> list[NameAddr]:
    """Record-Route values, as they stand."""
    return _values(message, "Record-Route")


def _values(message: Message | None, name: str) -> list[NameAddr]:
    if message is None or not message.has(name):
        return []
    return [read for read in message.addresses(name) if read.uri != "*"]
