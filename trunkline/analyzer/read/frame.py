"""One frame on its way through the layers: the slow path, for what the columns cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.analyzer.model.capture import LinkFacts, Place


@dataclass(slots=True)
class Frame:
    """What is known of the packet at hand. Layers fill in what they see; the innermost IP header wins."""

    file: int
    number: int
    time_ns: int
    base: int
    """Offset of the packet's first byte in the file; -1: it is not in the file as it stands (put together)."""
    cut: int = 0
    """Bytes that the capture has less than the wire."""
    interface: int | None = None
    point: str | None = None
    """Name of the interface."""
    src_mac: str | None = None
    dst_mac: str | None = None
    vlan: tuple[int, ...] = ()
    ip_id: int | None = None
    ttl: int | None = None
    dscp: int | None = None
    depth: int = 0
    fragments: int = 0
    frames: tuple[int, ...] = ()
    """Numbers of the frames that it was put together from."""

    @property
    def time(self) -> float:
        return self.time_ns / 1_000_000_000

    @property
    def place(self) -> Place:
        return Place(self.file, self.number)

    def facts(self) -> LinkFacts:
        return LinkFacts(self.ip_id, self.ttl, self.dscp, self.src_mac, self.dst_mac, self.vlan, self.interface)


def mac(raw: bytes) -> str:
    """Six bytes as people write them."""
    return raw.hex(":")
