"""What the SDP says of payload types, applied to streams that were measured before anyone had read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from trunkline.analyzer.media.codecs import FIRST_DYNAMIC, STATIC
from trunkline.analyzer.media.measure import PayloadTypes, Raw, measure
from trunkline.analyzer.model.stream import Media, Stream

_OURS = frozenset({"call", "match", "from_caller", "heuristic", "restarts", "raw", "fingerprint"})
"""Fields that others fill, or that do not depend on payload types."""


def keep_raw(raw: Raw) -> Raw | None:
    """The columns of a stream whose figures an SDP can still change; None for the static types of RFC 3551 alone."""
    types = raw.packets.payload_type
    return (
        raw
        if bool((types >= FIRST_DYNAMIC).any()) or any(int(kind) not in STATIC for kind in set(types[:50].tolist()))
        else None
    )


def apply_payload_types(media: Media, maps: Mapping[int, PayloadTypes]) -> None:
    """Works streams out again: codec, and everything that depends on its clock, on events and on comfort noise.

    `maps`: by index into `media.streams`, encoding name and clock rate by payload type, from the SDP of the *receiver*
    (static types need not be in it). Streams that no map is given for stay as they are. May be called again with other
    maps; `release` ends that.
    """
    for index, types in maps.items():
        apply_to(media.streams[index], types)


def apply_to(stream: Stream, types: PayloadTypes) -> None:
    """The same for one stream."""
    if not isinstance(stream.raw, Raw):
        return
    used = {kind: types[kind] for kind in stream.payload_types if kind in types}
    if not used:
        return
    again = measure(stream.raw, used)
    for name in (field.name for field in fields(Stream)):
        if name not in _OURS:
            setattr(stream, name, getattr(again, name))


def release(media: Media) -> None:
    """Lets go of the columns: call it when all payload types are known."""
    for stream in (*media.streams, *media.doubtful):
        stream.raw = None
