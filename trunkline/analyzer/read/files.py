"""Files in, a `Capture` out: the door to this room."""

from __future__ import annotations

import gc
import mmap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture, Damage, Place, SourceFile
from trunkline.analyzer.read.chunks import Chunks
from trunkline.analyzer.read.decoder import Decoder, by_time
from trunkline.analyzer.read.hep import read_hep_dump
from trunkline.analyzer.read.link import NAMES
from trunkline.analyzer.read.netmon import read_netmon
from trunkline.analyzer.read.packet_table import MediaSink
from trunkline.analyzer.read.pcap import read_pcap
from trunkline.analyzer.read.pcapng import PcapNg
from trunkline.analyzer.read.records import Bytes, Complain, Records
from trunkline.analyzer.read.sniff import SAMPLE, known_but_unread, sniff
from trunkline.analyzer.read.unreadable import UnreadableInput

Source = tuple[str, "Path | str | bytes"] | Path | bytes
Progress = Callable[[int, int], None]
PACKED = {"gzip": "gz", "xz": "xz", "zip": "zip"}


def read_files(
    sources: Iterable[Source], capture: Capture, limits: Limits, sink: MediaSink, progress: Progress | None = None
) -> None:
    """Reads all sources into `capture`, and their datagrams into `sink`.

    A source is a name for people and a path or bytes; or a path or bytes alone. Messages of several files are merged by
    time; the sink gets each file's chunks in the order of the files. `progress` is called with bytes done and bytes in
    all, after each chunk. Raises `UnreadableInput` where nothing can be read of any source.
    """
    # Reading makes next to no cycles and many objects that stay: the collector would go through them again and again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        Reading(capture, limits, sink, progress).run(list(sources))
    finally:
        if collecting:
            gc.enable()


class Reading:
    """One call of `read_files`."""

    def __init__(self, capture: Capture, limits: Limits, sink: MediaSink, progress: Progress | None) -> None:
        self.capture = capture
        self.limits = limits
        self.decoder = Decoder(capture, limits)
        self.chunks = Chunks(self.decoder, limits, sink)
        self.progress = progress
        self.done = 0
        self.total = 0

    def run(self, sources: list[Source]) -> None:
        named = [source if isinstance(source, tuple) else (name_of(source), source) for source in sources]
        opened = [(name, open_source(name, what, self.limits)) for name, what in named]
        self.total = sum(len(data) for _, data in opened)
        errors: list[UnreadableInput] = []
        for name, data in opened:
            before = self.done
            try:
                self.file(name, data, (), 0)
            except UnreadableInput as error:
                errors.append(error)
            self.step(before + len(data))
        if errors and not self.capture.files:
            raise errors[0]
        # Beside files that can be read, one that cannot is damage of the input, not its end.
        self.capture.damage.extend(Damage(0, str(error)) for error in errors)
        self.decoder.finish()
        by_time(self.capture.messages)

    def step(self, done: int) -> None:
        self.done = done
        if self.progress is not None:
            self.progress(min(done, self.total), self.total)

    def file(self, name: str, data: Bytes, packed: tuple[str, ...], size: int, trouble: str = "") -> None:
        """One file; what is packed is unpacked and comes here again."""
        head = data[:SAMPLE].tobytes()
        kind = sniff(head)
        if kind in PACKED:
            if len(packed) >= self.limits.nesting:
                raise UnreadableInput(f"{name}: packed more than {self.limits.nesting} times; unpack it first")
            self.unpack(name, data, kind, (PACKED[kind], *packed), size or len(data))
            return
        if not kind:
            raise UnreadableInput(why_not(name, head, trouble))
        number = len(self.capture.files)
        source = SourceFile(name, ".".join((kind, *packed)), size or len(data))
        self.capture.files.append(source)
        self.decoder.harvest.begin(number)

        def complain(what: str, frame: int | None) -> None:
            self.capture.damage.append(Damage(number, what, Place(number, frame) if frame is not None else None))

        before = len(self.capture.damage)
        if kind == "text":
            self.text(number, source, data, packed)
        else:
            self.packets(number, source, kind, data, complain, plain=not packed)
            damage = self.capture.damage[before:]
            if not source.packets and damage:
                del self.capture.files[number], self.capture.damage[before:]
                raise UnreadableInput(f"{name}: {damage[0].what}; no packet could be read")
        if trouble:
            complain(trouble, None)

    def unpack(self, name: str, data: Bytes, kind: str, packed: tuple[str, ...], size: int) -> None:
        from trunkline.analyzer.read.unpack import unpack_gzip, unpack_xz, unpack_zip

        if kind != "zip":
            inner, trouble = (unpack_gzip if kind == "gzip" else unpack_xz)(data, self.limits)
            if not len(inner):
                raise UnreadableInput(f"{name}: {trouble or 'the packed file is empty'}")
            self.file(name, inner, packed, size, trouble)
            return
        found, why = 0, "the archive holds no file"
        try:
            for member, inner, trouble in unpack_zip(data, self.limits):
                try:
                    if not len(inner):
                        raise UnreadableInput(f"{name}: {member}: {trouble or 'it is empty'}")
                    self.file(f"{name}:{member}", inner, packed, len(inner), trouble)
                    found += 1
                except UnreadableInput as error:
                    why = str(error).removeprefix(f"{name}: ")
                    self.capture.damage.append(Damage(max(len(self.capture.files) - 1, 0), why))
        except ValueError as error:
            raise UnreadableInput(f"{name}: {error}") from error
        if not found:
            raise UnreadableInput(f"{name}: {why}")

    def packets(
        self, number: int, source: SourceFile, kind: str, data: Bytes, complain: Complain, *, plain: bool
    ) -> None:
        names: dict[int, str] = {}
        before = self.done
        links: dict[str, None] = {}
        secrets = None
        if kind == "pcapng":
            secrets = PcapNg(data, self.limits, complain)
            names = secrets.names
            chunks: Iterator[Records] = secrets.read()
        else:
            chunks = {"pcap": read_pcap, "netmon2": read_netmon, "hep": read_hep_dump}[kind](
                data, self.limits, complain
            )
        for records in chunks:
            if not len(records):
                continue
            links[NAMES.get(records.link, f"link type {records.link}")] = None
            self.chunks.take(number, records, names)
            behind = int(records.start[-1] + records.length[-1])
            release(data, behind)
            if plain:
                self.step(before + behind)
        source.link_types = tuple(links)
        if secrets is not None and secrets.secrets:
            complain("the file holds keys to decrypt TLS: they are not used, and whoever gets the file has them", None)

    def text(self, number: int, source: SourceFile, data: Bytes, packed: tuple[str, ...]) -> None:
        """Logs are read by the room `text`, which is imported for them alone."""
        from trunkline.analyzer.text import read_text

        log = read_text(data.tobytes(), number, source.name, self.limits)
        if not log.messages:
            del self.capture.files[number]
            raise UnreadableInput(f"{source.name}: a text in which no SIP message was found")
        source.format = ".".join((log.format, *packed))
        self.capture.messages.extend(log.messages)
        self.capture.damage.extend(log.damage)
        times = [message.time for message in log.messages if message.time is not None]
        if times:
            source.first, source.last = min(times), max(times)


def name_of(source: Path | bytes) -> str:
    return "standard input" if isinstance(source, bytes) else str(source)


def open_source(name: str, what: Path | str | bytes, limits: Limits) -> Bytes:
    """The bytes of a source; a file is mapped, not read."""
    if isinstance(what, bytes):
        data = np.frombuffer(what, np.uint8)
    else:
        try:
            with Path(what).open("rb") as file:
                if file.seek(0, 2) == 0:
                    raise UnreadableInput(f"{name}: the file is empty")
                data = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        except OSError as error:
            raise UnreadableInput(f"{name}: {error.strerror or error}") from error
    if not len(data):
        raise UnreadableInput(f"{name}: the input is empty")
    if len(data) > limits.file_bytes:
        raise UnreadableInput(f"{name}: larger than {limits.file_bytes >> 30} GB; cut it, for example with editcap -c")
    return data


def release(data: Bytes, behind: int) -> None:
    """Lets the system drop the pages up to `behind`: a large file must not count as our memory."""
    base: Any = data.base
    while base is not None and not isinstance(base, mmap.mmap):
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    size = behind & ~(mmap.PAGESIZE - 1)
    if base is not None and size:
        base.madvise(mmap.MADV_DONTNEED, 0, size)


def why_not(name: str, head: bytes, trouble: str) -> str:
    """Why a file of an unknown format is refused, and what to give instead."""
    if trouble:
        return f"{name}: {trouble}"
    if not head.strip(b"\0"):
        return f"{name}: the file holds only zeros"
    what = known_but_unread(head)
    if what:
        return f"{name}: {what}; convert or unpack it first, a capture for example with tshark -r FILE -w OUT.pcapng"
    return (
        f"{name}: neither a capture (pcap, pcapng, Network Monitor 2, HEP; gzip, xz or zip around them) nor a text log"
    )
