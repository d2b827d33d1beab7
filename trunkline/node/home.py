"""The home folder of a node: made at the first start, owned by one running `trunkline up` at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from pathlib import Path

from trunkline.settings import Settings

SECRET_BYTES = 32


class HomeError(Exception):
    """The home is not usable; the text says why and what to do."""


def prepare(settings: Settings) -> None:
    """Make the folders, private to this user. Raises HomeError."""
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (settings.run_dir, settings.spool_dir, settings.log_dir, settings.tls_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError as problem:
        raise HomeError(f"{problem.filename} is no folder: choose another place with --home") from None
    except OSError as problem:
        raise HomeError(f"{problem.filename}: {problem.strerror}: choose another place with --home") from None
    owner = home.stat().st_uid
    if owner != os.getuid():
        raise HomeError(f"{home} belongs to user {owner}: run as that user, or choose another place with --home")
    if home.stat().st_mode & stat.S_IWOTH:
        # Keys and credentials would be what anybody on this machine puts there.
        raise HomeError(f"everybody may write into {home}: `chmod o-w` it, or choose another place with --home")
    if not os.access(home, os.W_OK | os.X_OK):
        raise HomeError(f"{home} is not writable: choose another place with --home")
    _prepare_socket_dir(settings.socket_dir)


def _prepare_socket_dir(folder: Path) -> None:
    """It may lie in the shared temporary folder, where anybody could have made it first."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as problem:
        raise HomeError(f"{folder}: {problem.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise HomeError(f"{folder} is not a private folder of this user: remove it, or choose a shorter --home")


def lock(settings: Settings) -> int:
    """Own the home until this process ends; the descriptor that holds the lock. Raises HomeError."""
    path = settings.run_dir / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise HomeError(
            f"another `trunkline up` (process {holder or 'unknown'}) uses {settings.home}: stop it, or give this one a "
            "--home of its own"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def secret(settings: Settings) -> bytes:
    """32 random bytes, made once: the MACs of running calls depend on them."""
    path = settings.home / "secret"
    try:
        found = bytes.fromhex(path.read_text())
    except FileNotFoundError:
        found = secrets.token_bytes(SECRET_BYTES)
        write_private(path, found.hex() + "\n")
    except ValueError:
        found = b""
    if len(found) != SECRET_BYTES:
        raise HomeError(f"{path} does not hold {SECRET_BYTES} bytes as hex: restore it, or remove it when no call runs")
    return found


def write_private(path: Path, text: str) -> None:
    """Mode 0600 from the first moment; readers see the old text or the new one, whole."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)
