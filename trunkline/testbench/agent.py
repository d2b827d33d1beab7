"""A test agent: one process with a PJSIP endpoint that receives calls by behaviour, places calls, and is controlled
over TCP.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from trunkline.testbench.behaviours import Behaviour, behaviour_from_json
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.calls import OneCall
from trunkline.testbench.control import ControlServer
from trunkline.testbench.endpoint import MOST_CALLS, AgentError, UserAgent, log_line
from trunkline.testbench.endpoint_options import AccountKey, EndpointOptions, is_loopback
from trunkline.testbench.placed_call import PlacedCall
from trunkline.testbench.registration import Registration
from trunkline.testbench.result import to_json
from trunkline.testbench.silent import SilentListener
from trunkline.testbench.sip_text import parse_sip, uri_user
from trunkline.testbench.taken_call import TakenCall
from trunkline.testbench.trace import WireMessage

_GOODBYE = 2.0
"""Seconds that stop() waits for the answers to its BYEs."""
_REMEMBERED = 500
"""Calls kept for `seen` and `result`; the oldest ended ones go first."""


@dataclass(frozen=True, slots=True)
class AgentOptions:
    endpoint: EndpointOptions
    control_port: int = 0
    """0: any; on 127.0.0.1."""
    incoming_srtp: str = "optional"
    """What we answer to an offer: off (plain only), optional (as offered), mandatory (SRTP only)."""
    record: bool = False
    """Record received calls, to measure them; placed calls are always recorded. Recordings go when the agent stops."""
    listen_hz: float = 1000.0
    """The tone to look for in received calls."""
    silent: bool = False
    """Open a UDP port beside it that never answers."""
    stop_with_stdin: bool = False
    """End when standard input closes: a parent that dies takes its agents along."""


class Agent:
    """Build, run(), done. AgentError or OSError from the constructor when a port is taken."""

    def __init__(self, options: AgentOptions, behaviour_of: Callable[[str], Behaviour]) -> None:
        """`behaviour_of`: called number → how to treat the call."""
        self.options = options
        self.behaviour_of = behaviour_of
        self._home = Path(tempfile.mkdtemp(prefix="trunkline-agent-"))
        self._taken: list[TakenCall] = []
        self._placed: dict[str, PlacedCall] = {}
        self._registrations: list[Registration] = []
        self._count = 0
        self._stopping = False
        self._silent: SilentListener | None = None
        self._control: ControlServer | None = None
        try:
            self._silent = SilentListener(options.endpoint.host) if options.silent else None
            self._control = ControlServer(options.control_port, self._handlers())
            self.user_agent = UserAgent(options.endpoint, options.incoming_srtp, self._invited, self._heard)
        except BaseException:
            self._close_sockets()
            shutil.rmtree(self._home, ignore_errors=True)
            raise

    def describe(self) -> dict[str, Any]:
        """Where it listens: `sip_uris` by transport, `control_port`, `silent_uri`, `pid`."""
        host = self.options.endpoint.host
        return {
            "pid": os.getpid(),
            "control_port": self._control.port if self._control else 0,
            "sip_uris": {t: f"sip:{host}:{port};transport={t}" for t, port in self.user_agent.ports.items()},
            "silent_uri": f"sip:{host}:{self._silent.port};transport=udp" if self._silent else None,
        }

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT, the `stop` request, or the end of standard input; then hang up and let go of
        everything.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        log_line("ready", **self.describe())
        try:
            while not self._stopping:
                self._turn()
                if self.options.stop_with_stdin and select.select([0], [], [], 0)[0] and not os.read(0, 4096):
                    self.stop()
        finally:
            self._close()

    def stop(self) -> None:
        self._stopping = True

    # Requests of the control port. What they raise becomes the answer's `error`.

    def _handlers(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        return {
            "describe": lambda _: self.describe(),
            "seen": lambda _: {"calls": self._seen()},
            "place_call": self.place_call,
            "result": lambda request: {"result": to_json(self._find(request["id"]).result())},
            "send_digits": self._send_digits,
            "register": self._register,
            "unregister": self._unregister,
            "registrations": lambda _: {"registrations": [asdict(r) for r in self._registrations]},
            "hold": self._hold,
            "hang_up": self._hang_up,
            "behave": self._behave,
            "stop": self._stop,
        }

    def place_call(self, request: dict[str, Any]) -> dict[str, Any]:
        """A CallPlan's fields → `id` of the call. ValueError, AgentError: what does not fit."""
        known = {entry.name for entry in fields(CallPlan)}
        if unknown := sorted(request.keys() - known):
            raise ValueError(f"no option {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        plan = CallPlan(**request)
        plan.check()
        if sum(not call.closed for call in self._calls()) >= MOST_CALLS:
            raise AgentError(f"one agent holds {MOST_CALLS} calls at once; start another for more")
        transport, next_hop = _next_hop(plan.via)
        host = next_hop.rpartition(":")[0].strip("[]")
        if transport == "tls" and self.options.endpoint.tls_ca is None and not is_loopback(host):
            raise AgentError(f"TLS to {host} without a CA cannot be verified: start the agent with --tls-ca")
        key = AccountKey(transport, plan.srtp, next_hop, plan.route_header, plan.username, plan.password)
        self.user_agent.account(key)
        self._count += 1
        name = f"placed-{self._count}"
        self._placed[name] = PlacedCall(self.user_agent, plan, key, self._home / f"{name}.wav")
        return {"id": name}

    def _register(self, request: dict[str, Any]) -> dict[str, Any]:
        """`via`, `domain`, `username`, `password`: REGISTER once; `registrations` has the answer."""
        key = _registered_account(request)
        self._registrations.append(Registration(request["domain"]))
        self.user_agent.register(key)
        return {}

    def _unregister(self, request: dict[str, Any]) -> dict[str, Any]:
        """The same fields: take the registration back; `registrations` has the answer."""
        self._registrations.append(Registration(request["domain"]))
        self.user_agent.unregister(_registered_account(request))
        return {}

    def _send_digits(self, request: dict[str, Any]) -> dict[str, Any]:
        self._find(request["id"]).send_digits(request["digits"])
        return {}

    def _hold(self, request: dict[str, Any]) -> dict[str, Any]:
        """`on`: hold or resume; `id`: that placed call; none: every call of this agent."""
        for call in [self._find(request["id"])] if "id" in request else self._calls():
            call.hold(on=bool(request["on"]))
        return {}

    def _hang_up(self, request: dict[str, Any]) -> dict[str, Any]:
        """`id`: that placed call; none: every call of this agent."""
        calls = [self._find(request["id"])] if "id" in request else self._calls()
        open_calls = [call for call in calls if not call.closed]
        for call in open_calls:
            call.hang_up()
        return {"calls": len(open_calls)}

    def _behave(self, request: dict[str, Any]) -> dict[str, Any]:
        behaviour = behaviour_from_json(request)
        self.behaviour_of = lambda _: behaviour
        return {}

    def _stop(self, _: dict[str, Any]) -> dict[str, Any]:
        self.stop()
        return {}

    def _find(self, name: str) -> PlacedCall:
        if name not in self._placed:
            raise ValueError(f"no call {name!r}")
        return self._placed[name]

    def _seen(self) -> list[dict[str, Any]]:
        swallowed = list(self._silent.seen.values()) if self._silent else []
        return [
            to_json(invite) for invite in sorted([*(c.seen() for c in self._taken), *swallowed], key=lambda i: i.at)
        ]

    # The loop

    def _turn(self) -> None:
        # SIP and RTP wake the loop at once; only requests to the control port wait this long.
        self.user_agent.poll(10 if any(not call.closed for call in self._calls()) else 30)
        if self._control is not None:
            self._control.poll()
        if self._silent is not None:
            for invite in self._silent.poll():
                log_line(
                    "invite",
                    silent=True,
                    call_id=invite.call_id,
                    caller=invite.caller,
                    ruri=invite.ruri,
                    source=invite.source,
                )
        self._reap()

    def _heard(self, message: WireMessage) -> None:
        for call in self._calls():
            if not call.closed:
                call.take(message)
        for registration in self._registrations[-1:]:
            registration.take(message)

    def _reap(self) -> None:
        for call in self._calls():
            told = call.signalling
            if call.advance() and told is not None:
                log_line("ended", call_id=told.call_id, sip_status=told.sip_status, ended_by=told.ended_by)
        for done in [name for name, call in self._placed.items() if call.closed][:-_REMEMBERED]:
            del self._placed[done]
        if len(self._taken) > _REMEMBERED and self._taken[0].closed:
            del self._taken[0]

    def _calls(self) -> list[OneCall]:
        return [*self._placed.values(), *self._taken]

    def _invited(self, account: Any, prm: Any) -> None:
        """Inside PJSIP's callback: a Call object must be made here, all else waits."""
        invite = parse_sip(prm.rdata.wholeMsg)
        transport = invite.first("Via").split(" ", 1)[0].rpartition("/")[2].lower()
        key = AccountKey(transport, self.options.incoming_srtp)
        called = uri_user(invite.ruri)
        self._count += 1
        record_to = self._home / f"taken-{self._count}.wav" if self.options.record else None
        call = TakenCall(
            self.user_agent, key, account, prm, invite, self.behaviour_of(called), record_to, self.options.listen_hz
        )
        self._taken.append(call)
        seen = call.seen()
        log_line(
            "invite",
            call_id=seen.call_id,
            caller=seen.caller,
            ruri=seen.ruri,
            from_header=seen.from_header,
            to_header=seen.to_header,
            asserted_identity=seen.asserted_identity,
            x_headers=seen.x_headers,
            source=seen.source,
            secure=seen.secure,
        )

    # The end

    def _close(self) -> None:
        for call in self._calls():
            if not call.closed:
                call.hang_up()
        deadline = time.monotonic() + _GOODBYE
        while any(not call.closed for call in self._calls()) and time.monotonic() < deadline:
            self.user_agent.poll()
            self._reap()
        for call in self._calls():
            call.release()
        self._close_sockets()
        self.user_agent.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _close_sockets(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._silent is not None:
            self._silent.close()


def _registered_account(request: dict[str, Any]) -> AccountKey:
    transport, next_hop = _next_hop(request["via"])
    return AccountKey(
        transport,
        next_hop=next_hop,
        username=request["username"],
        password=request["password"],
        register_at=request["domain"],
    )


def _next_hop(via: str) -> tuple[str, str]:
    """`sip:host:port;transport=tcp` → ("tcp", "IP:port"). ValueError for what is no such URI or cannot be resolved."""
    rest = via.removeprefix("sips:").removeprefix("sip:")
    hostport, *parameters = rest.split(";")
    transport = next((p.partition("=")[2].lower() for p in parameters if p.lower().startswith("transport=")), "udp")
    if via.startswith("sips:"):
        transport = "tls"
    if transport not in ("udp", "tcp", "tls"):
        raise ValueError(f"via {via!r}: transport is udp, tcp or tls")
    host, colon, port = hostport.rpartition(":")
    if not colon or hostport.endswith("]"):
        host, port = hostport, "5061" if transport == "tls" else "5060"
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"via {via!r}: give sip:host:port;transport=udp")
    try:
        address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0][4][0]
    except OSError as error:
        raise ValueError(f"via {via!r}: {host} has no address ({error})") from error
    return transport, f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def run_agent(options: AgentOptions, behaviour_of: Callable[[str], Behaviour]) -> int:
    """The agent's main program. Exit status 2 and one line on standard error when it cannot start."""
    try:
        agent = Agent(options, behaviour_of)
    except (AgentError, OSError) as error:
        sys.stderr.write(f"trunkline testbench: {error}\n")
        return 2
    agent.run()
    return 0


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """The options that carrier and PBX share."""
    parser.add_argument("--host", default="127.0.0.1", help="IP address for SIP and RTP (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="UDP and TCP port; 0: any free ports")
    parser.add_argument("--tls-port", type=int, help="TLS port; 0: any free port; absent: no TLS")
    parser.add_argument("--tls-cert", type=Path, help="PEM certificate of the TLS port")
    parser.add_argument("--tls-key", type=Path, help="PEM key of the TLS port")
    parser.add_argument("--tls-ca", type=Path, help="PEM: verify TLS peers against this CA")
    parser.add_argument("--public-host", help="advertise this address in Via, Contact and SDP")
    parser.add_argument("--rtp-ports", help="UDP ports of media, 20000-20100; absent: any free ports")
    parser.add_argument("--codecs", default="PCMU,PCMA", help="in order of preference (PCMU,PCMA)")
    parser.add_argument(
        "--srtp", choices=("off", "optional", "mandatory"), default="optional", help="for received calls (optional)"
    )
    parser.add_argument("--record", action="store_true", help="record received calls to measure their audio")
    parser.add_argument("--listen-hz", type=float, default=1000.0, help="tone to look for in received calls (1000)")
    parser.add_argument(
        "--control-port", type=int, default=0, help="JSON lines over TCP on 127.0.0.1; 0: any free port"
    )
    parser.add_argument("--trace", type=Path, help="append PJSIP's log, all SIP messages included, to this file")
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when standard input closes")


def agent_options(arguments: argparse.Namespace, *, user_agent: str, silent: bool) -> AgentOptions:
    """ValueError for a port range that is none."""
    rtp_ports = None
    if arguments.rtp_ports:
        first, dash, last = arguments.rtp_ports.partition("-")
        if not dash or not first.isdigit() or not last.isdigit() or not 0 < int(first) < int(last) < 65536:
            raise ValueError(f"--rtp-ports {arguments.rtp_ports}: give FIRST-LAST, 20000-20100")
        rtp_ports = (int(first), int(last))
    endpoint = EndpointOptions(
        host=arguments.host,
        udp_port=arguments.port,
        tcp_port=arguments.port,
        tls_port=arguments.tls_port,
        public_host=arguments.public_host,
        rtp_ports=rtp_ports,
        tls_cert=arguments.tls_cert,
        tls_key=arguments.tls_key,
        tls_ca=arguments.tls_ca,
        codecs=tuple(arguments.codecs.split(",")),
        user_agent=user_agent,
        keep_trace=arguments.trace,
    )
    return AgentOptions(
        endpoint=endpoint,
        control_port=arguments.control_port,
        incoming_srtp=arguments.srtp,
        record=arguments.record,
        listen_hz=arguments.listen_hz,
        silent=silent,
        stop_with_stdin=arguments.stop_with_stdin,
    )
