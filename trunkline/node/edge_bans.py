"""Bans of a running node, for its commands: the list, and why it cannot be had."""

from __future__ import annotations

from trunkline.core.defence import Ban
from trunkline.core.networks import NetworkError
from trunkline.engines.kamailio.ban_list import BanList
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioUnreachable
from trunkline.settings import Settings

CANNOT = (KamailioUnreachable, KamailioRefused, NetworkError)
"""What every method of a `BanList` may raise; the text says what is wrong."""


def ban_list(settings: Settings) -> BanList:
    """The bans of the node with this home."""
    return BanList(settings)


def as_json(ban: Ban) -> dict[str, object]:
    return {
        "address": ban.address,
        "offence": ban.offence.name,
        "since": ban.since,
        "until": ban.until,
        "number": ban.number,
    }
