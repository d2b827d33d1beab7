"""A stand-in for the API of a node: its call log, and a home that says where it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/trunkline/v1/Calls"


def call(number: int, status: str, error_code: int | None = None, **fields: Any) -> dict[str, Any]:
    """A record as the API shows it, of a call by the demo's PBX."""
    return {
        "sid": f"CA{number:032x}",
        "status": status,
        "error_code": error_code,
        "cause": None,
        "direction": "trunking-terminating",
        "started_us": 1_790_000_000_000_000,
        "caller": "+15557770001",
        "called": "+15550100486",
        "source_address": "udp:127.0.0.1:5080",
        "user_agent": "",
        "sip_status": 200 if status == "completed" else 486,
        "sip_reason": "",
        "sip_call_id": f"id-{number}",
        "duration": 0,
        "attempts": [],
        "alerts": [],
        "more_info": None,
    } | fields


@contextmanager
def serving(home: Path, calls: list[dict[str, Any]]) -> Iterator[list[str]]:
    """Serves `calls`, newest first, page by page, and writes the account file of `home`; the paths that were asked."""
    asked: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            known: dict[str, Any] = {f"{PATH}/{one['sid']}": one for one in calls}
            known[PATH] = page(calls, query)
            answer = json.dumps(known.get(path, {"code": 20404, "message": "not found", "status": 404})).encode()
            self.send_response(200 if path in known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    account = {"account_sid": "AC" + "0" * 32, "auth_token": "0" * 32, "api_url": url}
    (home / "account.json").write_text(json.dumps(account))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


def page(calls: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    size, number = int(query.get("PageSize", ["50"])[0]), int(query.get("Page", ["0"])[0])
    wanted = query.get("SipCallId", [""])[0]
    found = [one for one in calls if wanted in ("", one["sip_call_id"])]
    rows = found[number * size : (number + 1) * size]
    more = len(found) > (number + 1) * size
    following = f"{PATH}?PageSize={size}&Page={number + 1}" if more else None
    return {"meta": {"key": "calls", "next_page_url": following}, "calls": rows}
