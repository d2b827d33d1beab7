"""The agents' remote control: JSON lines over TCP on 127.0.0.1. One request a line, one answer a line, no state
between them.

Request `{"do": "seen"}`, answer `{"ok": true, …}` or `{"ok": false, "error": "…"}`. Whoever can connect on this
machine can place
calls with a test agent; that is all it can do.
"""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[[dict[str, Any]], dict[str, Any]]
_LONGEST_LINE = 1 << 20


class ControlError(RuntimeError):
    """The agent refused a request, or it is gone; the text is the agent's."""


class ControlServer:
    """Serves from inside the agent's own loop: poll() never blocks."""

    def __init__(self, port: int, handlers: Mapping[str, Handler]) -> None:
        """`port` 0: any. OSError when it is taken."""
        self._handlers = handlers
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._received: dict[socket.socket, bytes] = {}
        self.port: int = self._listener.getsockname()[1]

    def poll(self) -> None:
        """Answer whatever has arrived."""
        for key, _ in self._selector.select(0):
            if key.fileobj is self._listener:
                connection, _ = self._listener.accept()
                connection.settimeout(5.0)
                self._selector.register(connection, selectors.EVENT_READ)
                self._received[connection] = b""
            elif isinstance(key.fileobj, socket.socket):
                self._read(key.fileobj)

    def close(self) -> None:
        for connection in list(self._received):
            self._forget(connection)
        self._selector.close()
        self._listener.close()

    def _read(self, connection: socket.socket) -> None:
        try:
            chunk = connection.recv(65536)
            if not chunk:
                self._forget(connection)
                return
            *lines, rest = (self._received[connection] + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                self._forget(connection)
                return
            self._received[connection] = rest
            for line in lines:
                if line.strip():
                    connection.sendall(json.dumps(self._answer(line)).encode() + b"\n")
        except OSError:
            self._forget(connection)

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = request.pop("do")
            handler = self._handlers[name]
        except (ValueError, AttributeError, TypeError):
            return {"ok": False, "error": "one JSON object a line, please"}
        except KeyError:
            return {"ok": False, "error": f"unknown request; `do` is one of {', '.join(self._handlers)}"}
        try:
            return {"ok": True, **handler(request)}
        except (ValueError, TypeError, KeyError, RuntimeError, OSError) as error:
            return {"ok": False, "error": f"{name}: {error}"}

    def _forget(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        self._received.pop(connection, None)
        connection.close()


class ControlClient:
    """One connection to an agent's control port."""

    def __init__(self, port: int, patience: float = 10.0) -> None:
        """`patience`: seconds for an answer; an agent answers at once, so a longer wait means that it is stuck."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self._stream = self._socket.makefile("rb")

    def ask(self, request: str, **fields: Any) -> dict[str, Any]:
        """Send one request, return its answer. ControlError when the agent refuses or is gone."""
        try:
            self._socket.sendall(json.dumps({"do": request, **fields}).encode() + b"\n")
            line = self._stream.readline()
        except OSError as error:
            raise ControlError(f"{request}: the agent does not answer ({error})") from error
        if not line:
            raise ControlError(f"{request}: the agent is gone")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise ControlError(str(answer.get("error")))
        return answer

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
