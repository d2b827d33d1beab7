"""An agent as a subprocess, for tests, the demo and `trunkline call`. PJSIP allows one endpoint per process, so each
agent is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trunkline
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.control import ControlClient, ControlError
from trunkline.testbench.result import CallResult, SeenInvite, call_result_from_json, seen_invite_from_json

_START = 15.0
"""Seconds an agent may take to be ready; it takes about 0.3 on an idle machine."""
_STOP = 8.0


class AgentProcess:
    """Handle of one agent. start(), use it, stop(); or `with`. It ends by itself when this process does."""

    module = ""
    """What `python -m` runs."""

    def __init__(self, *options: str) -> None:
        """`options`: the agent's command line."""
        self._options: Sequence[str] = options
        self._process: subprocess.Popen[bytes] | None = None
        self._control: ControlClient | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the handle, which reads it after the end
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the handle, which reads it after the end
        self._ready: dict[str, Any] = {}
        self.returncode: int | None = None
        """Exit status once stopped; 0 when all went well."""

    def start(self) -> Self:
        """Run it and wait until it is ready. ControlError with its last words when it is not."""
        package_parent = str(Path(trunkline.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, "--stop-with-stdin", *self._options],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the parent, which ends us in order
        )
        deadline = time.monotonic() + _START
        while not (ready := [line for line in self.log() if line.get("event") == "ready"]):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise ControlError(f"{self.module} did not start: {self.stderr().strip() or self.returncode}")
            time.sleep(0.01)
        self._ready = ready[0]
        self._control = ControlClient(self._ready["control_port"])
        return self

    def __enter__(self) -> Self:
        return self if self._process is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return int(self._ready["pid"])

    @property
    def sip_uri(self) -> str:
        """`sip:host:port;transport=udp`"""
        return self.uri("udp")

    def uri(self, transport: str) -> str:
        """Where it listens on udp, tcp or tls."""
        return str(self._ready["sip_uris"][transport])

    @property
    def silent_uri(self) -> str:
        """A UDP target that never answers (the carrier has one)."""
        return str(self._ready["silent_uri"])

    @property
    def control_port(self) -> int:
        return int(self._ready["control_port"])

    def ask(self, request: str, **fields: Any) -> dict[str, Any]:
        """One request to the control port (docs/testbench.md lists them)."""
        if self._control is None:
            raise ControlError(f"{request}: the agent is not running")
        return self._control.ask(request, **fields)

    def seen(self) -> list[SeenInvite]:
        """Calls that reached it, oldest first."""
        return [seen_invite_from_json(fields) for fields in self.ask("seen")["calls"]]

    def place_call(self, plan: CallPlan) -> str:
        """Start a call; its id at once."""
        return str(self.ask("place_call", **asdict(plan))["id"])

    def result(self, call: str, *, wait: float = 0.0) -> CallResult:
        """The call with that id, as it stands; with `wait`, as soon as it is finished, at the latest after so many
        seconds.
        """
        deadline = time.monotonic() + wait
        while True:
            result = call_result_from_json(self.ask("result", id=call)["result"])
            if result.finished or time.monotonic() >= deadline:
                return result
            time.sleep(0.02)

    def call(self, plan: CallPlan, *, wait: float = 45.0) -> CallResult:
        """Place a call and wait until it is over. TimeoutError when it is not after `wait` seconds."""
        result = self.result(self.place_call(plan), wait=wait)
        if not result.finished:
            raise TimeoutError(f"the call to {plan.to} is not over after {wait} s: {result}")
        return result

    def wait_until(self, true: Callable[[], bool], what: str, *, within: float = 5.0) -> None:
        """Poll `true` until it is. TimeoutError with `what` otherwise."""
        deadline = time.monotonic() + within
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {within} s: {what}")
            time.sleep(0.02)

    def hold(self, call: str | None = None, *, on: bool = True) -> None:
        """Hold one placed call, or every call, by re-INVITE; `on=False` resumes."""
        self.ask("hold", on=on, **({} if call is None else {"id": call}))

    def hang_up(self, call: str | None = None) -> int:
        """End one placed call, or every call; how many there were."""
        return int(self.ask("hang_up", **({} if call is None else {"id": call}))["calls"])

    def log(self) -> list[dict[str, Any]]:
        """Its structured lines so far."""
        lines = self._text(self._output).split("\n")[:-1]  # the last one may still be in the making
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stderr(self) -> str:
        return self._text(self._errors)

    def stdout(self) -> str:
        return self._text(self._output)

    def stop(self) -> int | None:
        """End it in order, by its id; returns its exit status (0 when all went well). Safe to repeat."""
        if self._process is None or self.returncode is not None:
            return self.returncode
        try:
            self.ask("stop")
        except ControlError:
            pass  # it is ending already, or the end of its standard input will end it
        self._end()
        return self.returncode

    def _end(self) -> None:
        assert self._process is not None
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process.stdin is not None:
            self._process.stdin.close()
        for end in (self._process.terminate, self._process.kill):
            try:
                self.returncode = self._process.wait(timeout=_STOP)
                return
            except subprocess.TimeoutExpired:
                end()
        self.returncode = self._process.wait()

    @staticmethod
    def _text(stream: Any) -> str:
        # The child writes at the file's shared end; pread leaves that position alone.
        return os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0).decode("utf-8", "replace")
