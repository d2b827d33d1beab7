"""Reads configuration files, which may be anything: bounded, and told apart from what is no text."""

from __future__ import annotations

from pathlib import Path

LARGEST_FILE = 4 << 20
"""Bytes. FreePBX writes some hundred kB for a thousand phones."""
LARGEST_TOTAL = 16 << 20
MOST_FILES = 500
DEEPEST_INCLUDE = 16
LONGEST_LINE = 8192
"""Asterisk reads 8191 characters of a line."""
BINARY = frozenset(range(32)) - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1A, 0x1B}

SECRET_NAMES = ("password", "secret", "md5", "register", "regpass", "key_passphrase", "tlskey", "cred", "token")


class Unreadable(Exception):
    """A file that cannot be linted; one line that says why."""


class Endless(Unreadable):
    """Files that include or inherit without end: nothing of them is used."""


class Budget:
    """How much may still be read, over all files of one run."""

    def __init__(self) -> None:
        self.bytes = LARGEST_TOTAL
        self.files = MOST_FILES

    def read(self, path: Path) -> str:
        """The text of a regular file. Raises Unreadable."""
        shown = printable(str(path))
        self.files -= 1
        if self.files < 0:
            raise Endless(f"{shown}: more than {MOST_FILES} files are included")
        try:
            if not path.is_file():
                raise Unreadable(f"{shown}: {'is a folder' if path.is_dir() else 'there is no such file'}")
            with path.open("rb") as stream:
                data = stream.read(LARGEST_FILE + 1)
        except OSError as problem:
            raise Unreadable(f"{shown}: {problem.strerror or problem}") from problem
        except ValueError as problem:  # a zero byte in the name
            raise Unreadable(f"{shown}: no usable file name") from problem
        if len(data) > LARGEST_FILE:
            raise Unreadable(f"{shown}: larger than {LARGEST_FILE >> 20} MB, which no configuration is")
        self.bytes -= len(data)
        if self.bytes < 0:
            raise Endless(f"{shown}: all files together are larger than {LARGEST_TOTAL >> 20} MB")
        return _text(data, shown)


def _text(data: bytes, shown: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"{shown}: is UTF-16; save it as UTF-8")
    if not BINARY.isdisjoint(data):
        raise Unreadable(f"{shown}: is no text file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def printable(text: str) -> str:
    """Text that may be shown in a terminal: no control characters, and not endless."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= 300 else shown[:300] + "…"


def without_secrets(name: str, line: str) -> str:
    """A line to show, with the value left out where `name` is that of a secret."""
    if any(word in name.lower() for word in SECRET_NAMES):
        head, sign, _ = line.partition("=")
        return printable(f"{head.rstrip()}{sign}(not shown)")
    return printable(line.strip())
