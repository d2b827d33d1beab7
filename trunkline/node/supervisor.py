"""supervisord for one node: its configuration, its start, and questions to it. The only file that speaks to it.

Why this library: docs/decisions/0001-supervisor.md. Its configuration file holds no path and no argument: supervisord
expands `%`, cuts lines at ` ;` and ` #`, and splits commands at blanks, and no escape covers all three. Paths reach it
by its environment (`%(ENV_…)s` is put in after all parsing), commands by the keeper's plan.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

from supervisor import xmlrpc as supervisor_xmlrpc  # noqa: TID251  this is that file

from trunkline.node import keeper, lifeline
from trunkline.settings import Settings

SOCKET = "supervisor.sock"
START_RETRIES = 3
RUNNING = "RUNNING"
FATAL = "FATAL"
STOPPED = "STOPPED"

HEAD = """\
[unix_http_server]
file=%(ENV_TRUNKLINE_SOCKET)s
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
nodaemon=true
silent=true
logfile=%(ENV_TRUNKLINE_SUPERVISOR_LOG)s
logfile_maxbytes=5MB
logfile_backups=1
pidfile=%(ENV_TRUNKLINE_SUPERVISOR_PID)s
identifier=trunkline
"""
PROGRAM = """
[program:{name}]
command=%(ENV_TRUNKLINE_KEEPER)s {name}
priority={priority}
autorestart=true
startsecs=1
startretries={retries}
stopsignal=TERM
stopwaitsecs={stop_seconds}
stdout_logfile=%(ENV_TRUNKLINE_KEEPER_LOG)s
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=0
redirect_stderr=true
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a node."""

    name: str
    argv: list[str]
    priority: int
    """Started in this order, lowest first; stopped in the opposite one, each after the one before has ended."""
    environment: dict[str, str] = field(default_factory=dict)
    """On top of our own environment."""
    stop_seconds: int = 8
    """After that long SIGTERM becomes SIGKILL."""


class SupervisorGone(Exception):
    """supervisord does not answer: it has ended, or is not there yet."""


class Supervisor:
    """One running supervisord with its programs."""

    def __init__(self, settings: Settings, programs: list[Program]) -> None:
        self.settings = settings
        self.programs = {program.name: program for program in programs}
        self.socket = settings.socket_dir / SOCKET
        self._starts = settings.run_dir / "starts"
        self.process: subprocess.Popen[bytes] | None = None
        self._server = server(self.socket)

    def start(self) -> None:
        """Write the configuration and start supervisord, which starts the programs. It dies with this process."""
        run = self.settings.run_dir
        self._starts.mkdir(exist_ok=True)
        for old in self._starts.iterdir():
            old.unlink()
        self.socket.unlink(missing_ok=True)
        configuration = run / "supervisord.conf"
        configuration.write_text(HEAD + "".join(map(section, self.programs.values())))
        plan = run / "programs.json"
        plan.touch(mode=0o600)
        plan.write_text(json.dumps({name: self._planned(program) for name, program in self.programs.items()}, indent=1))
        ours = os.getpid()

        def in_child() -> None:
            lifeline.die_with_parent(ours)

        with (self.settings.log_dir / "supervisor-start.log").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", os.fspath(configuration)],
                env=self._environment(plan),
                cwd=run,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C in the terminal is for us
                preexec_fn=in_child,  # noqa: PLW1509  no thread is running yet, and it calls prctl and nothing else
            )

    def states(self) -> dict[str, str]:
        """supervisord's state name of each program. Raises SupervisorGone."""
        return {str(found["name"]): str(found["statename"]) for found in self._call("getAllProcessInfo")}

    def start_program(self, name: str) -> None:
        """Start one that was given up (FATAL). Raises SupervisorGone."""
        self._call("startProcess", name, False)

    def starts(self) -> dict[str, list[float]]:
        """When each program was started since the node is up, Unix seconds."""
        return starts(self.settings.run_dir)

    def restarts(self) -> dict[str, int]:
        """How often each program was started again since the node is up."""
        return restarts(self.settings.run_dir)

    def ended(self) -> bool:
        """Has supervisord itself ended (and every program with it)?"""
        return self.process is not None and self.process.poll() is not None

    def stop(self, within: float, hurry: Callable[[], bool] = lambda: False) -> bool:
        """Stop every program in order, supervisord last.

        False when that took longer than `within` seconds, or `hurry` said so: then `kill` is due.
        """
        if self.process is None or self.process.poll() is not None:
            return True
        deadline = time.monotonic() + within
        try:
            self._call("shutdown")
        except SupervisorGone:
            self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None:
            if time.monotonic() > deadline or hurry():
                return False
            try:
                # The question wakes supervisord, which else looks for ended programs once a second.
                self._call("getState")
            except SupervisorGone:
                pass
            time.sleep(0.02)
        return True

    def kill(self) -> None:
        """End everything at once. The keepers die with supervisord, and take their programs with them."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _planned(self, program: Program) -> dict[str, Any]:
        mark = {lifeline.MARK: mark_of(self.settings, program.name)}
        return {"argv": program.argv, "environment": program.environment | mark}

    def _environment(self, plan: Path) -> dict[str, str]:
        run, log = self.settings.run_dir, self.settings.log_dir
        return os.environ | {
            "TRUNKLINE_SOCKET": os.fspath(self.socket),
            "TRUNKLINE_SUPERVISOR_LOG": os.fspath(log / "supervisord.log"),
            "TRUNKLINE_SUPERVISOR_PID": os.fspath(run / "supervisord.pid"),
            "TRUNKLINE_KEEPER": shlex.join([sys.executable, "-m", "trunkline.node.keeper"]),
            # What a keeper itself says when it cannot run: a traceback, by rights never. This one value supervisord
            # expands twice.
            "TRUNKLINE_KEEPER_LOG": os.fspath(log / "keepers.log").replace("%", "%%"),
            keeper.PLAN: os.fspath(plan),
            keeper.LOG: os.fspath(self.settings.log_file),
            keeper.STARTS: os.fspath(self._starts),
            lifeline.MARK: mark_of(self.settings, "supervisor"),
        }

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            return getattr(self._server.supervisor, method)(*arguments)
        except (OSError, HTTPException, xmlrpc.client.Error) as problem:
            self._server("close")()
            if isinstance(problem, xmlrpc.client.Fault):
                return []  # "already started", "shutting down": what we asked for is so
            raise SupervisorGone(str(problem)) from problem


def section(program: Program) -> str:
    return PROGRAM.format(
        name=program.name, priority=program.priority, retries=START_RETRIES, stop_seconds=program.stop_seconds
    )


def mark_of(settings: Settings, program: str = "") -> str:
    """The mark in the environment of a node's processes; without a program the beginning that all of them share."""
    return f"{settings.home}#{program}"


def starts(run_dir: Path) -> dict[str, list[float]]:
    folder = run_dir / "starts"
    return {path.name: keeper.starts_of(path) for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def restarts(run_dir: Path) -> dict[str, int]:
    return {name: max(len(times) - 1, 0) for name, times in starts(run_dir).items()}


def server(socket: Path) -> xmlrpc.client.ServerProxy:
    transport = supervisor_xmlrpc.SupervisorTransport(None, None, serverurl=f"unix://{socket}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=cast("Any", transport))
