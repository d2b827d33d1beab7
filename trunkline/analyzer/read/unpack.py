"""gzip, xz and zip around a capture, with limits: a small file must not become a large one (decompression bombs)."""

from __future__ import annotations

import mmap
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read.records import Bytes

PIECE = 1 << 20
IN_MEMORY = 64 << 20
"""What unpacks to more goes to a temporary file, whose pages the system can drop."""
FREE = 16 << 20
"""Below this, no ratio is suspicious (limits.py)."""


class Unpacker(Protocol):
    """What zlib and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class Unpacked:
    """Bytes that come out of a packer, in memory or in a file without a name; refuses what is beyond the limits."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits = limits
        self.packed = packed
        self.size = 0
        self.trouble = ""
        self.file: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as its bytes

    def add(self, piece: bytes) -> bool:
        """False: beyond a limit; `trouble` says which."""
        self.size += len(piece)
        over = self.size - self.limits.unpacked_bytes
        if over > 0:
            self.file.write(piece[: max(len(piece) - over, 0)])
            self.trouble = f"it unpacks to more than {self.limits.unpacked_bytes:,} bytes: the rest was not read"
        elif self.size > FREE and self.size > self.limits.unpacked_ratio * max(self.packed, 1):
            self.trouble = f"it unpacks to more than {self.limits.unpacked_ratio} times its size: the rest was not read"
        else:
            self.file.write(piece)
            return True
        return False

    def bytes(self) -> Bytes:
        """All of it."""
        if self.size and self.file._rolled:  # noqa: SLF001 - the only way to ask without forcing it to disk
            self.file.flush()
            return np.frombuffer(mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        self.file.seek(0)
        return np.frombuffer(self.file.read(), np.uint8)


def unpack_gzip(data: Bytes, limits: Limits) -> tuple[Bytes, str]:
    """What is in it (several members too), and what is wrong with it (empty: nothing)."""
    return pump(data, limits, lambda: zlib.decompressobj(wbits=31), b"\x1f\x8b")


def unpack_xz(data: Bytes, limits: Limits) -> tuple[Bytes, str]:
    """As `unpack_gzip`."""
    import lzma

    # A dictionary of 256 MB is more than any preset of xz asks for.
    return pump(data, limits, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 << 20), b"\xfd7zXZ\0")


def pump(data: Bytes, limits: Limits, make: Any, magic: bytes) -> tuple[Bytes, str]:
    out = Unpacked(limits, len(data))
    view = data.data
    one = make()
    position, waiting = 0, b""
    while True:
        if not waiting and not getattr(one, "needs_input", True):
            piece = b""
        elif waiting:
            piece = waiting
        else:
            piece = bytes(view[position : position + PIECE])
            position += len(piece)
            if not piece:
                return out.bytes(), "" if one.eof else "the packed file is cut short"
        try:
            made = one.decompress(piece, PIECE)
        except Exception as error:  # noqa: BLE001 - zlib and lzma have errors of their own, all mean the same
            return out.bytes(), f"the packed file is damaged ({str(error)[:100]})"
        if not out.add(made):
            return out.bytes(), out.trouble
        waiting = getattr(one, "unconsumed_tail", b"")
        if one.eof:
            rest = one.unused_data or bytes(view[position : position + PIECE])
            if not one.unused_data:
                position += len(rest)
            if not rest.startswith(magic):  # padding behind the last member is usual
                return out.bytes(), ""
            one, waiting = make(), rest


def unpack_zip(data: Bytes, limits: Limits) -> Iterator[tuple[str, Bytes, str]]:
    """Name, content and trouble of each file in it. Raises `ValueError` where it is no archive that can be read."""
    import io
    import zipfile

    try:
        archive = zipfile.ZipFile(io.BytesIO(data))  # type: ignore[arg-type]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ValueError(f"the zip archive is damaged ({str(error)[:100]})") from error
    room = limits.unpacked_bytes
    for entry in [one for one in archive.infolist() if not one.is_dir()][:1000]:
        if entry.filename.startswith("__MACOSX/"):
            continue
        if entry.flag_bits & 1:
            yield entry.filename, np.zeros(0, np.uint8), "it is encrypted: unpack it with its password first"
            continue
        out = Unpacked(limits, max(entry.compress_size, 1))
        trouble = ""
        try:
            with archive.open(entry) as stream:
                while piece := stream.read(PIECE):
                    room -= len(piece)
                    if room < 0:
                        trouble = "the archive unpacks to more than the limit: the rest was not read"
                        break
                    if not out.add(piece):
                        trouble = out.trouble
                        break
        except Exception as error:  # noqa: BLE001 - zipfile lets the errors of its packers through
            trouble = f"the zip archive is damaged ({str(error)[:100]})"
        yield entry.filename, out.bytes(), trouble
