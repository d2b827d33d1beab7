"""The first call of a demo: to the simulated carrier's echo number, through the trunk, with its record from the API."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from trunkline.node.demo import CALLER_ID, Demo
from trunkline.node.health import reachable
from trunkline.settings import Settings, default_home
from trunkline.testbench.call import CallReport, TrunkCall, run_test_call
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.control import ControlError

SECONDS = 2.0
"""How long the call lasts."""
RECORD_WITHIN = 10.0
Say = Callable[[str], None]


def place_and_show(settings: Settings, demo: Demo, say: Say) -> None:
    """Place the call, print what became of it and where to look next. Never raises for a failed call."""
    say(f"Placing a call to the echo number {demo.echo_number} …")
    try:
        report = place(settings, demo)
    except (ControlError, TimeoutError) as problem:
        say(f"The test call could not be placed: {problem}")
        return
    for sentence in report.explanation:
        say(f"  {sentence}")
    record = fetch_record(demo, report.result.call_id)
    if record is None:
        say(f"Its record is not there after {RECORD_WITHIN:.0f} s: see {settings.log_file}")
    else:
        for line in record_lines(record):
            say(f"  {line}")
    for line in next_steps(settings, demo, record):
        say(line)


def place(settings: Settings, demo: Demo) -> CallReport:
    """One call from a PBX of our own. Raises ControlError, TimeoutError."""
    plan = CallPlan(
        to=f"sip:{demo.echo_number}@{demo.domain_name}",
        via=f"sip:{reachable(settings.sip_host)}:{demo.sip_port};transport=udp",
        caller=CALLER_ID,
        username=demo.username,
        password=demo.password,
        seconds=SECONDS,
    )
    return run_test_call(TrunkCall(plan, local_host=reachable(settings.sip_host)))


def fetch_record(demo: Demo, call_id: str) -> dict[str, Any] | None:
    """The finished record of the call with that SIP Call-ID, attempts included; None when none came in time."""
    deadline = time.monotonic() + RECORD_WITHIN
    with httpx.Client(
        base_url=demo.api_url, auth=(demo.account_sid, demo.auth_token), timeout=5.0, trust_env=False
    ) as api:
        while time.monotonic() < deadline:
            try:
                found = api.get("/trunkline/v1/Calls", params={"SipCallId": call_id}).json().get("calls", [])
                if found and found[0]["ended_us"]:
                    record: dict[str, Any] = api.get(f"/trunkline/v1/Calls/{found[0]['sid']}").json()
                    return record
            except (httpx.HTTPError, ValueError):
                pass  # the API may be busy starting; the deadline decides
            time.sleep(0.1)
    return None


def record_lines(record: dict[str, Any]) -> list[str]:
    """The record as a person reads it."""
    started = datetime.fromtimestamp(record["started_us"] / 1e6, UTC)
    times = f"started {started:%Y-%m-%d %H:%M:%S} UTC, post-dial delay {_shown(record['pdd_ms'], 'ms')}"
    lines = [
        f"{record['sid']}  {record['direction']}  {record['caller']} → {record['called']}",
        f"{record['status']}, {_shown(record['duration'], 's')}, {times}",
        f"ended by {record['ended_by'] or 'nobody'}, codec {record['codec'] or 'unknown'}",
    ]
    for side in ("customer", "carrier"):
        figures = record[f"{side}_side"]
        if figures["packets"]:
            quality = f"jitter {_shown(figures['jitter_ms'], 'ms')}, estimated MOS {_shown(figures['mos'], '')}"
            lines.append(f"RTP from the {side} side: {figures['packets']} packets, {figures['lost']} lost, {quality}")
    lines.extend(
        f"attempt {attempt['n'] + 1}: {attempt['uri']} {attempt['outcome']} ({attempt['sip_status']})"
        for attempt in record["attempts"]
    )
    return lines


def next_steps(settings: Settings, demo: Demo, record: dict[str, Any] | None) -> list[str]:
    records = f"{demo.api_url}/2010-04-01/Accounts/{demo.account_sid}/Calls"
    shown = f"{records}/{record['sid']}.json" if record is not None else f"{records}.json"
    return [
        "Where to look next:",
        f"  {command_name()} demo-info{home_option(settings)}     what to type into a PBX, and how it is called",
        f"  {shown}   the record (user: account SID, password: auth token)",
        f"  {command_name()} carrier --numbers     what the simulated carrier answers to",
        f"  {command_name()} call +15550100486{home_option(settings)}     the next call, to a busy number",
    ]


def command_name() -> str:
    """What to type for `trunkline` here: its path, where the shell does not find it."""
    if shutil.which("trunkline") is not None:
        return "trunkline"
    return shlex.quote(os.path.relpath(Path(sys.executable).with_name("trunkline")))


def home_option(settings: Settings) -> str:
    usual = settings.home == default_home(os.environ)
    return "" if usual else f" --home {shlex.quote(str(settings.home))}"


def _shown(value: object, unit: str) -> str:
    return "unknown" if value is None else f"{value} {unit}".rstrip()
