"""Log levels of a running node, changed without a restart; each lasts until its program starts again.

Kamailio is told by RPC. Our own programs look once a second at `run/log-levels.json` (program → level).
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path

from trunkline.engines.kamailio.config import edge_socket, front_socket
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioRpc, KamailioUnreachable
from trunkline.node import lifeline
from trunkline.settings import LOG_LEVELS, Settings

OWN_PROGRAMS = ("recorder", "publisher", "api")
KAMAILIOS = {"edge": edge_socket, "kamailio": edge_socket, "tls_front": front_socket}
KAMAILIO_LEVELS = {"debug": 3, "info": 1, "warning": 0, "error": -1}
"""Ours → Kamailio's; its own `info` (2) is chatter about its start (engines/kamailio/config.py)."""
LOOK_EVERY = 1.0


class LogLevelError(Exception):
    """The level cannot be changed; the text says why and what to write."""


def change(settings: Settings, program: str, level: str) -> None:
    """Let this program of the running node log at this level. Raises LogLevelError."""
    level = level.lower()
    if level not in LOG_LEVELS:
        raise LogLevelError(f"{level!r} is no log level: write {', '.join(LOG_LEVELS)}")
    if program in KAMAILIOS:
        try:
            order = ["core", "debug", KAMAILIO_LEVELS[level]]
            KamailioRpc(KAMAILIOS[program](settings)).call("cfg.seti", order)
        except (KamailioUnreachable, KamailioRefused) as problem:
            raise LogLevelError(f"{program} does not take it: {problem}") from None
    elif program in OWN_PROGRAMS:
        _write(settings, program, level)
    else:
        raise LogLevelError(f"{program!r} is none of edge, tls_front, {', '.join(OWN_PROGRAMS)}")


def follow(settings: Settings) -> None:
    """From now on this program (its name is in its mark) takes what `change` writes. Starts a thread."""
    program = os.environ.get(lifeline.MARK, "").rpartition("#")[2]
    if program in OWN_PROGRAMS:
        path = _file(settings)
        threading.Thread(target=_follow, args=(path, program, _stamp(path)), daemon=True).start()


def _follow(path: Path, program: str, taken: int) -> None:
    while True:
        time.sleep(LOOK_EVERY)
        stamp = _stamp(path)
        if stamp == taken:
            continue
        taken = stamp
        level = _read(path).get(program)
        if level in LOG_LEVELS:
            logging.getLogger().setLevel(level.upper())
            logging.getLogger("trunkline").info("the log level is %s now", level)


def _file(settings: Settings) -> Path:
    return settings.run_dir / "log-levels.json"


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(settings: Settings, program: str, level: str) -> None:
    path = _file(settings)
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(_read(path) | {program: level}))
        new.replace(path)
    except OSError as problem:
        raise LogLevelError(f"no node runs in {settings.home}: {problem.filename}: {problem.strerror}") from None
