"""Our own programs say what they say as JSON lines, their last words included."""

import json
import os
import subprocess
import sys

PROGRAM = """
import logging, os
from trunkline.core.cdr import Cdr
from trunkline.node import program_log
from trunkline.settings import Settings
program_log.start(Settings.load({}, os.environ))
log = logging.getLogger("trunkline.test")
log.debug("not shown")
log.info("hello %s", "there")
log.warning("of a call", extra={"call_id": "x@y"})
log.info("of another", extra=program_log.of(Cdr(sid="CA12", sip_call_id="z")))
raise ValueError("the end\\nof it")
"""


def test_lines_are_json():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=20, env=os.environ
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines[0] == {"level": "info", "message": "hello there"}
    assert lines[1] == {"level": "warning", "message": "of a call", "call_id": "x@y"}
    assert lines[2] == {"level": "info", "message": "of another", "call_id": "z", "call_sid": "CA12"}
    assert lines[3]["level"] == "error"
    assert "ValueError: the end" in lines[3]["message"]
    assert len(lines) == 4
    assert done.returncode == 1
