"""Waiting for a node that was just started: until all of it works, or it is clear that it will not."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Protocol

import httpx

from trunkline.node import log_line
from trunkline.node.health import Health
from trunkline.node.supervisor import FATAL, RUNNING, START_RETRIES, Supervisor, SupervisorGone
from trunkline.settings import Ports, Settings

PATIENCE = 60.0
"""Seconds. An idle machine takes about two."""
LOOK_EVERY = 0.1
SETTLED_AFTER = 3.0
"""Seconds."""
KEEPERS_WORDS = ("started, process", "ended with status", "killed by ")
LAST_WORDS = 3
"""Log lines of a program that cannot start."""


class NotReady(Exception):
    """The node did not come up; the text says which part, and its last words."""


class Signals(Protocol):
    count: int

    def wait(self, seconds: float) -> None: ...


def wait(settings: Settings, ports: Ports, supervisor: Supervisor, signals: Signals, *, degraded: bool) -> None:
    """Return when the node works, or a signal came. `degraded`: the database is away, the engines are what counts.

    Raises NotReady when a program cannot start, or after PATIENCE.
    """
    deadline = time.monotonic() + PATIENCE
    since = log_line.timestamp(time.time())
    engines = Health(settings, ports)
    problems: Mapping[str, str | None] = {}
    while not signals.count:
        problems = engines().parts if degraded else http_problems(settings)
        if not any(problems.values()):
            problems = unsettled(supervisor, time.time())
            if not problems:
                return
        refuse_dead(settings, supervisor, since)
        if time.monotonic() > deadline:
            listed = "; ".join(f"{name}: {problem}" for name, problem in problems.items() if problem)
            raise NotReady(f"not everything works after {PATIENCE:.0f} s ({listed}); see {settings.log_file}")
        signals.wait(LOOK_EVERY)


def unsettled(supervisor: Supervisor, now: float) -> dict[str, str | None]:
    """Programs that do not run, or died and have not run for `SETTLED_AFTER` since; /healthz does not know them all."""
    try:
        states = supervisor.states()
    except SupervisorGone:
        return {"supervisor": "no answer"}
    problems: dict[str, str | None] = {name: state for name, state in states.items() if state != RUNNING}
    for name, times in supervisor.starts().items():
        if len(times) > 1 and now - times[-1] < SETTLED_AFTER:
            problems.setdefault(name, f"started {len(times)} times")
    return problems


def http_problems(settings: Settings) -> dict[str, str | None]:
    """What /healthz says does not work."""
    try:
        answer = httpx.get(f"{settings.api_url}/healthz", timeout=5.0, trust_env=False)
        parts: dict[str, Any] = answer.json()["parts"]
    except (httpx.HTTPError, ValueError, KeyError) as problem:
        return {"api": f"no answer on {settings.api_url} ({type(problem).__name__})"}
    return {name: None if said == "ok" else str(said) for name, said in parts.items()}


def refuse_dead(settings: Settings, supervisor: Supervisor, since: str) -> None:
    """Raises NotReady when a program has died so often that waiting is in vain."""
    if supervisor.ended():
        words = " ".join((settings.log_dir / "supervisor-start.log").read_text(errors="replace").split("\n")[:3])
        raise NotReady(f"the supervisor ended: {words or f'it wrote no reason. Is the disk of {settings.home} full?'}")
    try:
        given_up = {name for name, state in supervisor.states().items() if state == FATAL}
    except SupervisorGone:
        return
    given_up |= {name for name, count in supervisor.restarts().items() if count > START_RETRIES}
    for name in sorted(given_up):
        raise NotReady(f"{name} cannot start: {last_words(settings, name, since)} (all of it in {settings.log_file})")


def last_words(settings: Settings, program: str, since: str) -> str:
    """The last errors of a program in the stream from the moment `since` on (as in `ts`), else its last lines."""
    mine = []
    for text in tail(settings):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line.get("program") == program and str(line.get("ts")) >= since:
            mine.append((line.get("level"), str(line.get("message"))))
    own = [line for line in mine if not line[1].startswith(KEEPERS_WORDS)]
    errors = [line for line in own if line[0] == "error"]
    words = list(dict.fromkeys(message for _, message in errors or own or mine))
    return " | ".join(words[-LAST_WORDS:]) or "it said nothing"


def tail(settings: Settings, size: int = 65536) -> list[str]:
    """The last lines of the stream; the first of them may be cut."""
    try:
        with settings.log_file.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(stream.tell() - size, 0))
            return stream.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
