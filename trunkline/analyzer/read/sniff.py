"""What a file is, by its first bytes: names lie."""

from __future__ import annotations

from trunkline.analyzer.read.pcap import MAGICS

GZIP, XZ, ZIP = b"\x1f\x8b", b"\xfd7zXZ\0", b"PK\x03\x04"
SAMPLE = 65_536


def sniff(head: bytes) -> str:
    """`pcap`, `pcapng`, `netmon2`, `hep`, `gzip`, `xz`, `zip`, `text`, or empty: unknown. Wants the first 64 KB."""
    if head[:4] in MAGICS:
        return "pcap"
    if head[:4] == b"\x0a\x0d\x0d\x0a" and head[8:12] in {b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"}:
        return "pcapng"
    if head[:4] == b"GMBU":
        return "netmon2"
    if head[:4] == b"HEP3" and len(head) >= 6:
        return "hep"
    for name, magic in (("gzip", GZIP), ("xz", XZ), ("zip", ZIP)):
        if head.startswith(magic):
            return name
    return "text" if looks_like_text(head) else ""


def looks_like_text(data: bytes) -> bool:
    """Whether the first 64 KB read like a log: a byte order mark, or next to no control bytes but colours."""
    if data[:3] == b"\xef\xbb\xbf" or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    sample = data[:SAMPLE]
    if not sample.strip():
        return False
    controls = len(sample) - len(sample.translate(None, bytes([*range(9), 11, *range(14, 27), *range(28, 32), 127])))
    return controls * 100 <= len(sample)


def known_but_unread(head: bytes) -> str:
    """Name of a format that people have and that is not read, with what to do; empty: not one of them."""
    for magic, what in (
        (b"\x54\x52\x53\x4e", "a Sniffer capture"),
        (b"snoop\0\0\0", "a snoop capture"),
        (b"\x1f\x9d", "packed by compress"),
        (b"BZh", "packed by bzip2"),
        (b"\x28\xb5\x2f\xfd", "packed by zstd"),
        (b"7z\xbc\xaf\x27\x1c", "packed by 7-Zip"),
        (b"Rar!", "packed by RAR"),
        (b"RTSS", "a Network Monitor 1 capture"),
        (b"\x7fELF", "a program"),
        (b"%PDF", "a PDF"),
        (b"RIFF", "an audio or video file"),
    ):
        if head.startswith(magic):
            return what
    return ""
