"""How the node's own Python programs log: one JSON object a line on stderr, which their keeper puts into the stream."""

from __future__ import annotations

import json
import logging
import sys
from types import TracebackType

from trunkline.core.cdr import Cdr
from trunkline.node import log_levels
from trunkline.settings import Settings

LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning"}


class JsonLines(logging.Formatter):
    """`level` and `message`; `call_id` and `call_sid` where the record has them: `log.info("…", extra=of(cdr))`."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        line = {"level": LEVELS.get(record.levelno, "error"), "message": message}
        for name in ("call_id", "call_sid"):
            if value := getattr(record, name, None):
                line[name] = str(value)
        return json.dumps(line)


def of(call: Cdr) -> dict[str, str]:
    """`extra` of a line that concerns this call."""
    return {"call_id": call.sip_call_id, "call_sid": call.sid}


def start(settings: Settings) -> None:
    """Send all logging of this process, and what would end it, to stderr as JSON lines."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[output], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    sys.excepthook = _say_and_end
    log_levels.follow(settings)


def _say_and_end(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    """One line in the stream instead of a traceback torn into many."""
    logging.getLogger("trunkline").error("ended by %s", kind.__name__, exc_info=(kind, problem, trace))
