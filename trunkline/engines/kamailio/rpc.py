"""Questions and orders to a running Kamailio: JSON-RPC over its Unix datagram socket."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path


class KamailioUnreachable(Exception):
    """Kamailio did not answer on its socket in time, or there is no such socket."""


class KamailioRefused(Exception):
    """Kamailio answered with an error; the text is its own."""


class KamailioRpc:
    """One Kamailio. Every method raises KamailioUnreachable or KamailioRefused."""

    def __init__(self, path: Path, timeout: float = 2.0) -> None:
        self._path = path
        self._timeout = timeout

    def call(self, method: str, params: Sequence[object] = ()) -> object:
        """One RPC command of Kamailio (`dlg.stats_active`, `tls.reload` …) and its result."""
        request = json.dumps({"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1}).encode()
        with (
            tempfile.TemporaryDirectory(prefix="trunkline-rpc-") as folder,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client,
        ):
            client.settimeout(self._timeout)
            try:
                client.bind(os.path.join(folder, "reply"))
                client.sendto(request, os.fspath(self._path))
                answer = json.loads(client.recv(1 << 20))
            except (OSError, ValueError) as error:
                why = (
                    "no node runs there, or another --home is meant" if isinstance(error, FileNotFoundError) else error
                )
                raise KamailioUnreachable(f"Kamailio does not answer on {self._path}: {why}") from None
        if "error" in answer:
            raise KamailioRefused(f"{method}: {answer['error'].get('message', answer['error'])}")
        return answer.get("result")

    def set_draining(self, draining: bool) -> None:
        """While draining, new calls and OPTIONS get 503, and calls that are up go on."""
        self.call("pv.shvSet", ["draining", "int", int(draining)])

    def active_calls(self) -> int:
        """Calls being set up or answered, as the dialog module counts them since Kamailio's start."""
        result = self.call("dlg.stats_active")
        if not isinstance(result, dict):
            raise KamailioRefused(f"dlg.stats_active: {result!r}")
        return int(result["all"])
