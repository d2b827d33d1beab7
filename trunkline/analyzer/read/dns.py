"""DNS over UDP (RFC 1035): questions and answers of the four types that lead to a SIP server (RFC 3263)."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.analyzer.model.capture import DnsFact, Endpoint
from trunkline.analyzer.read.flows import address_text
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.harvest import MOST_FACTS, Harvest

TYPES = {1: "A", 28: "AAAA", 33: "SRV", 35: "NAPTR"}
A, AAAA, SRV, NAPTR, CNAME = 1, 28, 33, 35, 5
PORT = 53


@dataclass(slots=True)
class Message:
    """One DNS message, as far as it is of use."""

    id: int
    response: bool
    rcode: int
    name: str
    type: int
    answers: tuple[str, ...]


def read_dns(data: bytes) -> Message | None:
    """A message with one question; None: it is none, or damaged."""
    if len(data) < 17:
        return None
    flags = int.from_bytes(data[2:4], "big")
    questions, answers = int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")
    if questions != 1 or answers > 500 or flags & 0x7840:  # other operations than a query, the reserved bit
        return None
    name, at = read_name(data, 12)
    if at < 0 or at + 4 > len(data) or int.from_bytes(data[at + 2 : at + 4], "big") & 0x7FFF != 1:
        return None
    kind = int.from_bytes(data[at : at + 2], "big")
    at += 4
    found: list[str] = []
    for _ in range(answers):
        _, at = read_name(data, at)
        if at < 0 or at + 10 > len(data):
            break
        record, size = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 8 : at + 10], "big")
        at += 10
        if at + size > len(data):
            break
        text = record_text(data, record, at, size)
        if text and len(found) < 64:
            found.append(text)
        at += size
    return Message(int.from_bytes(data[:2], "big"), bool(flags & 0x8000), flags & 15, name, kind, tuple(found))


def record_text(data: bytes, kind: int, at: int, size: int) -> str:
    """An answer in the form of a zone file; empty: a type that is not read."""
    if kind in {A, AAAA}:
        return address_text(data[at : at + size]) if size == (4 if kind == A else 16) else ""
    if kind == CNAME:
        return "CNAME " + read_name(data, at)[0]
    if kind == SRV and size >= 7:
        numbers = [int.from_bytes(data[at + i : at + i + 2], "big") for i in (0, 2, 4)]
        return " ".join(map(str, numbers)) + " " + read_name(data, at + 6)[0]
    if kind == NAPTR and size >= 8:
        order, preference = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (0, 2))
        texts, at = [], at + 4
        for _ in range(3):
            length = data[at] if at < len(data) else 0
            texts.append(data[at + 1 : at + 1 + length].decode("utf-8", "replace"))
            at += 1 + length
        return f'{order} {preference} "{texts[0]}" "{texts[1]}" "{texts[2]}" {read_name(data, at)[0]}'
    return ""


def read_name(data: bytes, at: int) -> tuple[str, int]:
    """A name and the offset behind it; -1: damaged. Pointers only lead back, so it ends."""
    labels: list[str] = []
    behind, limit, total = -1, at, 0
    while at < len(data):
        size = data[at]
        if size == 0:
            return ".".join(labels), behind if behind >= 0 else at + 1
        if size & 0xC0 == 0xC0:
            if at + 2 > len(data):
                break
            target = (size & 0x3F) << 8 | data[at + 1]
            behind = at + 2 if behind < 0 else behind
            if target >= limit:
                break
            at = limit = target
            continue
        total += size + 1
        if size & 0xC0 or at + 1 + size > len(data) or total > 255:
            break
        labels.append(data[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += 1 + size
    return ".".join(labels), -1


class Questions:
    """Waits for the answers, to tell how long they took, and which questions got none."""

    def __init__(self, harvest: Harvest) -> None:
        self.harvest = harvest
        self.open: dict[tuple[Endpoint, Endpoint, int, str, int], DnsFact] = {}

    def take(self, frame: Frame, src: Endpoint, dst: Endpoint, data: bytes) -> bool:
        """False: this is no DNS."""
        found = read_dns(data)
        if found is None:
            return False
        facts = self.harvest.capture.dns
        if found.type not in TYPES or not self.harvest.room("DNS messages", len(facts) + len(self.open), MOST_FACTS):
            return True
        kind = TYPES[found.type]
        if not found.response:
            key = (dst, src, found.id, found.name.lower(), found.type)
            # A question that is asked again waits since the first time.
            self.open.setdefault(key, DnsFact(frame.place, frame.time, dst, src, found.name, kind, None))
            return True
        asked = self.open.pop((src, dst, found.id, found.name.lower(), found.type), None)
        delay = frame.time - asked.time if asked else None
        facts.append(DnsFact(frame.place, frame.time, src, dst, found.name, kind, found.rcode, found.answers, delay))
        return True

    def finish(self) -> None:
        """Questions without an answer become facts too."""
        self.harvest.capture.dns.extend(self.open.values())
        self.open.clear()
        self.harvest.capture.dns.sort(key=lambda fact: fact.time)
