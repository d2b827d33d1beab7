"""What `trunkline call` was asked for → a call of the testbench, with the demo's values where none were given."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trunkline.cli import call_log
from trunkline.node.demo import CALLER_ID, Demo
from trunkline.settings import Ports, Settings
from trunkline.testbench.call import CallReport, TrunkCall, explain, run_test_call
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.control import ControlClient
from trunkline.testbench.numbers import ECHO_NUMBER
from trunkline.testbench.pcap import PcapWriter
from trunkline.testbench.ping import PingError, parse_target
from trunkline.testbench.result import call_result_from_json

PSTN_CALLER = "+15550199999"
"""Who calls when the simulated carrier calls a number of ours."""
RESULT_WAIT = 0.1
RECORD_WITHIN, RECORD_ELSEWHERE = 5.0, 1.0
"""Seconds that a call's record is waited for, of the demo and of a trunk that may be another node's."""


class CannotCall(Exception):
    """The call cannot be placed; the text says what to give."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """The options of the command, as they were given."""

    called: str
    via: str | None
    domain: str | None
    username: str | None
    password: str | None
    caller: str | None
    transport: str
    srtp: str | None
    seconds: float
    media: str
    digits: str
    expect_tone: bool | None
    tls_ca: Path | None
    trace: Path | None
    from_carrier: bool


def place(settings: Settings, request: CallRequest) -> CallReport:
    """Place the call and judge it. Raises CannotCall, ControlError, TimeoutError, ValueError (a wrong plan)."""
    demo = Demo.read(settings)
    if request.from_carrier:
        return _place_from_carrier(settings, request, demo)
    plan = plan_of(request, demo)
    plan.check()
    expect_tone = request.expect_tone
    if expect_tone is None:
        expect_tone = f":{ECHO_NUMBER}@" in plan.to and plan.media.startswith("tone:")
    ca = request.tls_ca
    if ca is None and request.transport == "tls" and request.via is None and (settings.tls_dir / "ca.pem").exists():
        ca = settings.tls_dir / "ca.pem"
    local = local_address(plan.via)
    return run_test_call(TrunkCall(plan, local_host=local, tls_ca=ca, trace=request.trace), expect_tone=expect_tone)


def faulty(settings: Settings, request: CallRequest, fault: str, capture: Path | None) -> dict[str, object]:
    """The same call by a PBX with this fault; what came of it. Raises CannotCall, ValueError, OSError."""
    from trunkline.testbench import fault_caller, tls_faults
    from trunkline.testbench.faults import choose

    chosen = choose(fault, "pbx")
    if chosen.is_("tls-1.0"):
        request = replace(request, transport="tls")
    plan = plan_of(request, Demo.read(settings))
    target = parse_target(plan.via)
    with PcapWriter(capture) if capture else nullcontext() as writer:
        if chosen.is_("tls-1.0"):
            return {"handshake": tls_faults.connect_with_old_tls((target.host, target.port), writer)}
        call = fault_caller.FaultyCall(
            plan.to, plan.via, plan.caller, plan.username, plan.password, request.seconds, plan.digits or "159"
        )
        return asdict(fault_caller.place_faulty_call(call, chosen, host=local_address(plan.via), capture=writer))


def sid(settings: Settings, request: CallRequest, sip_call_id: str) -> str | None:
    """SID of the call with that Call-ID in the log of the home's node; None where it is not there, or the Call-ID is
    empty. A trunk that was named with --via may be anybody's, so that it is not waited for as long.
    """
    if not sip_call_id:
        return None
    return call_log.sid_of(settings, sip_call_id, within=RECORD_WITHIN if request.via is None else RECORD_ELSEWHERE)


def plan_of(request: CallRequest, demo: Demo | None) -> CallPlan:
    """Raises CannotCall when something is neither given nor in the demo."""
    via = request.via
    if via is None:
        if demo is None:
            raise CannotCall("no demo in this --home: start `trunkline up --demo`, or name a trunk with --via")
        port = demo.tls_port if request.transport == "tls" else demo.sip_port
        via = f"sip:{demo.sip_host}:{port};transport={request.transport}"
    elif ";transport=" not in via:
        via = f"{via};transport={request.transport}"
    of_demo = demo if request.via is None else None
    return CallPlan(
        to=_ruri(request, of_demo),
        via=via,
        caller=request.caller or (CALLER_ID if of_demo else "testbench"),
        username=request.username or (of_demo.username if of_demo else None),
        password=request.password or (of_demo.password if of_demo and not request.username else None),
        srtp=request.srtp or "off",
        media=request.media,
        digits=request.digits,
        seconds=request.seconds,
    )


def _ruri(request: CallRequest, demo: Demo | None) -> str:
    if request.called.lower().startswith(("sip:", "sips:")):
        return request.called
    domain = request.domain or (demo.domain_name if demo else None)
    if domain is None:
        raise CannotCall(f"{request.called} is a number: say with --domain at which trunk, or write a SIP URI")
    return f"sip:{request.called}@{domain}"


def local_address(via: str) -> str:
    """The address of this machine from which `via` is reached."""
    try:
        target = parse_target(via)
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except (PingError, OSError) as problem:
        raise CannotCall(f"--via {via}: {problem}") from None
    family, *_, address = found[0]
    if ipaddress.ip_address(str(address[0])).is_loopback:
        return str(address[0])
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)  # sends nothing, asks the routing table
        except OSError as problem:
            raise CannotCall(f"--via {via}: {problem.strerror}") from None
        return str(probe.getsockname()[0])


def _place_from_carrier(settings: Settings, request: CallRequest, demo: Demo | None) -> CallReport:
    """The running demo's carrier places the call, so that the edge knows it by its address."""
    import time

    if demo is None:
        raise CannotCall("--from-carrier needs the demo's carrier: start `trunkline up --demo`, or name its --home")
    try:
        ports = Ports.read(settings.ports_file)
    except (OSError, ValueError) as problem:
        raise CannotCall(f"the node of {settings.home} is not up: {problem}") from None
    plan = CallPlan(
        to=f"sip:{request.called}@{demo.sip_host}:{demo.sip_port}",
        via=f"sip:{demo.sip_host}:{demo.sip_port};transport=udp",
        caller=request.caller or PSTN_CALLER,
        media=request.media,
        digits=request.digits,
        seconds=request.seconds,
    )
    plan.check()
    carrier = ControlClient(ports.carrier_control)
    try:
        name = carrier.ask("place_call", **asdict(plan))["id"]
        while True:
            result = call_result_from_json(carrier.ask("result", id=name)["result"])
            if result.finished:
                return explain(result, expect_tone=bool(request.expect_tone))
            time.sleep(RESULT_WAIT)
    finally:
        carrier.close()
