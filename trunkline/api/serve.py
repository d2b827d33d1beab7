"""Running the API: one port, one process, until SIGTERM. `trunkline/node/api_server.py` is the program around it."""

from __future__ import annotations

import logging
import os
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from trunkline.settings import Settings

GRACEFUL_SECONDS = 10
"""How long requests that have begun may take after SIGTERM."""
BACKLOG = 1024


class PortTakenError(Exception):
    """The HTTP address cannot be listened on; the text says what to change."""


class _Server(uvicorn.Server):
    """The second signal ends it at once, whichever it is."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        super().handle_exit(sig, frame)


def listen(settings: Settings) -> socket.socket:
    """The listening socket; port 0 takes any. Raises PortTakenError."""
    host, port = settings.http_host, settings.http_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it is; without that, each answer that takes two
    # packets waits 40 ms for a delayed ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise PortTakenError(
            f"cannot listen on http://{host}:{port} ({reason}): choose another --http-host or --http-port"
        ) from error
    return listening


def server_of(app: FastAPI) -> uvicorn.Server:
    # dispatch.py writes a better access log; uvicorn's has the query in it, whoever listens to it.
    logging.getLogger("uvicorn.access").disabled = True
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # base_url.py reads the one header it needs
        lifespan="off",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return _Server(config)


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT: no new connections then, running requests end, and this returns."""
    # uvicorn hands the signal on when it has finished; without a handler here that would end the process by it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    host, port = listening.getsockname()[:2]
    logging.getLogger("trunkline.api").info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    server_of(app).run(sockets=[listening])
