"""Ends an answered call on both sides, from outside: a BYE to each, in the name of the other.

The edge takes these as it takes any BYE of the dialog: by the sealed leg in the Request-URI (core/hidden_leg.py),
which the `answered` event brought. So it works after a restart of Kamailio and
over every transport.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import time
from pathlib import Path

from trunkline.core.cause import Cause
from trunkline.core.cdr import Cdr
from trunkline.core.edge_bye import byes
from trunkline.engines.kamailio.spool import Spool
from trunkline.node import program_log
from trunkline.settings import Settings

SEND_TIMES = 4
_log = logging.getLogger("trunkline.recorder")


class CallEnder:
    """One per process. `end` is quick: it does not wait for answers."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.sip_host if settings.sip_host not in ("0.0.0.0", "::") else "127.0.0.1"
        self._port = settings.sip_port
        self._spool = Spool(Path(settings.spool_dir))

    def end(self, cdr: Cdr, cause: Cause, limit: float) -> None:
        """Close the record with this cause and tell both sides. A call without `dialog` only ends in the record.

        `limit`: seconds, of what was exceeded.
        """
        now = time.time()
        self._spool.append(
            json.dumps(
                {"e": "ended", "sid": cdr.sid, "at": now, "by": "edge", "cause": cause.name, "limit": round(limit)}
            ),
            now,
        )
        if cdr.dialog is None:
            return
        caller_leg, callee_leg, caller_tag, callee_tag = json.loads(cdr.dialog)
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.bind((self._host, 0))
            port = int(client.getsockname()[1])
            branches = (secrets.token_hex(8), secrets.token_hex(8))
            dialog = (caller_leg, callee_leg, caller_tag, callee_tag)
            messages = byes((self._host, self._port), port, branches, cdr.sid, cdr.sip_call_id, dialog)
            if not self._send(client, messages):
                _log.warning(
                    "a call was ended, but one side of it may not know: no answer to BYE", extra=program_log.of(cdr)
                )

    def _send(self, client: socket.socket, messages: list[bytes]) -> bool:
        """Were all answered? Once is enough on loopback, but for a moment in which Kamailio is not there."""
        client.settimeout(0.3)
        waiting = list(messages)
        for _ in range(SEND_TIMES):
            for message in waiting:
                try:
                    client.sendto(message, (self._host, self._port))
                    answer = client.recv(65535)
                except OSError:
                    continue
                if answer.startswith(b"SIP/2.0 "):
                    waiting = [left for left in waiting if left is not message]
            if not waiting:
                return True
        return False
