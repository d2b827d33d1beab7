"""One PJSIP endpoint per process: transports, codecs, accounts, the loop, and an end that does not crash.

How the classic traps are avoided:

- No PJSIP worker threads (`threadCnt` 0, media polled by the same loop): every Python callback runs in the main
  thread, inside
  `poll()`. Only the null sound device's clock has a thread, and it never enters Python.
- Callbacks only note what happened (`soon`); all acting is done after PJSIP has returned, so nothing is destroyed
  under its feet.
- An exception inside a callback would end the process: `guarded` logs it instead.
- Objects go before the library does, in this order: calls, ports, accounts, endpoint.
- PJSIP's log goes to `WireTrace`; its start-up lines, printed before it can be configured, are muffled.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import heapq
import itertools
import json
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

import pjsua2 as pj

from trunkline.testbench.endpoint_options import AccountKey, EndpointOptions
from trunkline.testbench.sip_text import parse_sip
from trunkline.testbench.trace import WireMessage, WireTrace

_KINDS = {"udp": "PJSIP_TRANSPORT_UDP", "tcp": "PJSIP_TRANSPORT_TCP", "tls": "PJSIP_TRANSPORT_TLS"}
_SRTP = {"off": "PJMEDIA_SRTP_DISABLED", "optional": "PJMEDIA_SRTP_OPTIONAL", "mandatory": "PJMEDIA_SRTP_MANDATORY"}
_MOST_ACCOUNTS = 8
"""PJSUA_MAX_ACC of the wheel: one more is an assertion that aborts the process."""
MOST_CALLS = 4
"""PJSUA_MAX_CALLS of the wheel: PJSIP itself refuses a fifth call with 486. More calls at once need more agents."""
_NO_RESOLVER = "127.255.255.254"
"""PJSIP asks this resolver for names, and nobody answers there: a name in a peer's Contact is never followed outside.
"""

P = ParamSpec("P")


class AgentError(RuntimeError):
    """The agent cannot do what it was asked; the text says what to change."""


def log_line(event: str, **fields: Any) -> None:
    """One structured line on standard output."""
    sys.stdout.write(json.dumps({"at": round(time.time(), 3), "event": event, **fields}) + "\n")
    sys.stdout.flush()


def guarded(callback: Callable[P, None]) -> Callable[P, None]:
    """A director callback that logs what it raises: through C++ an exception would abort the process."""

    @functools.wraps(callback)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:  # noqa: BLE001  the one place between Python and C++
            log_line("bug", where=callback.__qualname__, traceback=traceback.format_exc())

    return call


class _Endpoint(pj.Endpoint):  # type: ignore[misc]
    incoming: Callable[[str], int]

    @guarded
    def onSelectAccount(self, prm: Any) -> None:  # noqa: N802  PJSIP's name
        via = parse_sip(prm.rdata.wholeMsg).first("Via")
        prm.accountIndex = self.incoming(via.split(" ", 1)[0].rpartition("/")[2].lower())

    @guarded
    def onRejectedIncomingCall(self, prm: Any) -> None:  # noqa: N802
        log_line("rejected", sip_status=prm.statusCode, reason=prm.reason, call_id=prm.callId)


class _Account(pj.Account):  # type: ignore[misc]
    invited: Callable[[Any, Any], None] | None = None

    @guarded
    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        if self.invited is not None:
            self.invited(self, prm)


class UserAgent:
    """PJSIP, started. `invited(account, prm)` gets each new INVITE inside PJSIP's callback and must make a Call
    object.
    """

    def __init__(
        self,
        options: EndpointOptions,
        incoming_srtp: str,
        invited: Callable[[Any, Any], None],
        on_message: Callable[[WireMessage], None],
    ) -> None:
        """`incoming_srtp`: as in AccountKey, for received calls. `on_message`: gets all SIP that was sent and received.

        AgentError when a port is taken or a certificate cannot be read.
        """
        self.options = options
        self._on_message = on_message
        self.ports: dict[str, int] = {}
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._accounts: dict[AccountKey, Any] = {}
        self._users: dict[AccountKey, int] = {}
        self._transports: dict[str, int] = {}
        self._tones: dict[float, Any] = {}
        self._invited = invited
        self._incoming_srtp = incoming_srtp
        self._trace = WireTrace(options.keep_trace)
        self._trace.__disown__()
        with _muffled():
            self._endpoint = _Endpoint()
            self._endpoint.libCreate()
        self._endpoint.incoming = self._account_index
        try:
            self._endpoint.libInit(_config(options, self._trace))
            self._open_transports()
            self._endpoint.audDevManager().setNullDev()
            self._endpoint.libStart()
            self._order_codecs()
            for transport in self._transports:
                self.account(AccountKey(transport, incoming_srtp))
        except BaseException:
            self.close()
            raise

    def soon(self, action: Callable[[], None]) -> None:
        """Run `action` once PJSIP has returned."""
        self._soon.append(action)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` in the loop, `seconds` from now."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._count), action))

    def poll(self, milliseconds: int = 10) -> None:
        """One turn of the loop: PJSIP, the SIP messages that went over the wire, what the callbacks noted, timers."""
        self._endpoint.libHandleEvents(milliseconds)
        for message in self._trace.take():
            self._on_message(message)
        while self._soon:
            self._run(self._soon.popleft())
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._run(heapq.heappop(self._timers)[2])

    def account(self, key: AccountKey) -> Any:
        """The account for a key, made when missing. AgentError when the transport is not open or too many differ at
        once.
        """
        if key.transport not in self._transports:
            raise AgentError(f"this agent has no {key.transport} transport; it has {', '.join(self._transports)}")
        if key not in self._accounts:
            self._make_room()
            account = _Account()
            account.invited = self._invited
            account.create(self._account_config(key))
            self._accounts[key] = account
        return self._accounts[key]

    def register(self, key: AccountKey) -> None:
        """REGISTER; again where this account has done so before."""
        if key in self._accounts:
            self._accounts[key].setRegistration(True)
        else:
            self.account(key)

    def unregister(self, key: AccountKey) -> None:
        self.account(key).setRegistration(False)

    def use(self, key: AccountKey, by: int) -> None:
        """Count the calls of an account; one without calls may be replaced."""
        self._users[key] = self._users.get(key, 0) + by

    def tone(self, hz: float) -> Any:
        """A port that plays `hz` for ever, 0: silence; all calls share it."""
        if hz not in self._tones:
            generator = pj.ToneGenerator()
            generator.createToneGenerator(8000, 1)
            tone = pj.ToneDesc()
            tone.freq1, tone.freq2, tone.on_msec, tone.off_msec, tone.volume = int(hz) or 1000, 0, 1000, 0, 8000
            tones = pj.ToneDescVector()
            tones.append(tone)
            generator.play(tones, True)
            if hz == 0:
                generator.adjustRxLevel(0.0)
            self._tones[hz] = generator
        return self._tones[hz]

    def hang_up_all(self) -> None:
        self._endpoint.hangupAllCalls()

    def close(self) -> None:
        """End PJSIP. All Call objects and recorders must be gone before."""
        self._soon.clear()
        self._timers.clear()
        self._tones.clear()
        for account in self._accounts.values():
            account.shutdown()
        self._accounts.clear()
        gc.collect()
        with _muffled():  # once its log file is closed, the library prints again
            # Without this flag PJSIP sleeps a second for packets that nobody waits for.
            self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_RX_MSG)
        del self._endpoint
        gc.collect()

    def _run(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # noqa: BLE001  one call's trouble must not end the others
            log_line("bug", where="loop", traceback=traceback.format_exc())

    def _account_index(self, transport: str) -> int:
        return int(self.account(AccountKey(transport, self._incoming_srtp)).getId())

    def _make_room(self) -> None:
        if len(self._accounts) < _MOST_ACCOUNTS:
            return
        idle = [key for key in self._accounts if _replaceable(key) and not self._users.get(key)]
        if not idle:
            raise AgentError(
                f"at most {_MOST_ACCOUNTS - len(self._transports)} different credentials or next hops at the same time"
            )
        self._accounts.pop(idle[0]).shutdown()

    def _open_transports(self) -> None:
        options = self.options
        for transport, port in (("udp", options.udp_port), ("tcp", options.tcp_port), ("tls", options.tls_port)):
            if port is None:
                continue
            config = pj.TransportConfig()
            config.port = port
            config.boundAddress = options.host
            if options.public_host:
                config.publicAddress = options.public_host
            if transport == "tls":
                _set_tls(config.tlsConfig, options)
            try:
                self._transports[transport] = self._endpoint.transportCreate(getattr(pj, _KINDS[transport]), config)
            except pj.Error as error:
                where = f"{options.host}:{port or '(any)'}"
                raise AgentError(
                    f"cannot listen on {transport} {where}: {error.reason}; choose another address or port"
                ) from error
            info = self._endpoint.transportGetInfo(self._transports[transport])
            # localName is the advertised name; the bound port is the last part of either.
            self.ports[transport] = int(info.localAddress.rpartition(":")[2])

    def _order_codecs(self) -> None:
        ids = [codec.codecId for codec in self._endpoint.codecEnum2()]
        for codec in ids:
            self._endpoint.codecSetPriority(codec, 0)
        known = {codec.partition("/")[0].upper(): codec for codec in reversed(ids)}
        for rank, name in enumerate(self.options.codecs):
            if name.upper() not in known:
                raise AgentError(f"no codec {name}; there are {', '.join(sorted(known))}")
            self._endpoint.codecSetPriority(known[name.upper()], 255 - rank)

    def _account_config(self, key: AccountKey) -> Any:
        options = self.options
        config = pj.AccountConfig()
        config.idUri = f"sip:testbench@{options.host}:{self.ports[key.transport]}"
        config.sipConfig.transportId = self._transports[key.transport]
        if key.next_hop is not None:
            hidden = "" if key.route_header else ";hide"  # PJSIP routes by it but does not write the header
            config.sipConfig.proxies.append(f"<sip:{key.next_hop};transport={key.transport};lr{hidden}>")
        if key.username is not None:
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", key.username, 0, key.password or ""))
        if key.register_at is not None:
            config.idUri = f"sip:{key.username}@{key.register_at}"
            config.regConfig.registrarUri = f"sip:{key.register_at}"
            config.regConfig.retryIntervalSec = 0  # one try: who asked decides about another
        media = config.mediaConfig
        media.srtpUse = getattr(pj, _SRTP[key.srtp])
        media.srtpSecureSignaling = 0
        media.srtpOpt.keyings.append(pj.PJMEDIA_SRTP_KEYING_SDES)
        suite = pj.SrtpCrypto()
        suite.name = "AES_CM_128_HMAC_SHA1_80"  # one suite: every further one is 90 bytes nearer to a fragmented INVITE
        media.srtpOpt.cryptos.append(suite)
        media.lockCodecEnabled = False
        media.transportConfig.boundAddress = options.host
        if options.public_host:
            media.transportConfig.publicAddress = options.public_host
        media.transportConfig.port = 0
        if options.rtp_ports:
            first, last = options.rtp_ports
            media.transportConfig.port = first + first % 2
            media.transportConfig.portRange = last - first
        config.natConfig.sipOutboundUse = 0
        config.natConfig.contactRewriteUse = 0
        config.natConfig.viaRewriteUse = 0
        config.natConfig.sdpNatRewriteUse = 0
        return config


def _replaceable(key: AccountKey) -> bool:
    """Not the accounts that received calls use, nor a registered one."""
    return key.next_hop is not None and key.register_at is None


def _config(options: EndpointOptions, trace: WireTrace) -> Any:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.maxCalls = MOST_CALLS
    config.uaConfig.userAgent = options.user_agent
    config.uaConfig.nameserver.append(_NO_RESOLVER)
    config.logConfig.level = 4  # the level at which PJSIP writes SIP messages
    config.logConfig.consoleLevel = 4  # the log writer replaces the console, but obeys its level
    config.logConfig.msgLogging = 1
    config.logConfig.writer = trace
    config.medConfig.hasIoqueue = False  # RTP is read by libHandleEvents, in the main thread
    config.medConfig.threadCnt = 0
    config.medConfig.clockRate = 8000
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    return config


def _set_tls(config: Any, options: EndpointOptions) -> None:
    for path in (options.tls_cert, options.tls_key, options.tls_ca):
        if path is not None and not path.is_file():
            raise AgentError(f"no certificate file {path.name}: give a readable PEM file")
    if options.tls_cert is not None and options.tls_key is not None:
        config.certFile = str(options.tls_cert)
        config.privKeyFile = str(options.tls_key)
    if options.tls_ca is not None:
        config.CaListFile = str(options.tls_ca)
    config.verifyServer = options.tls_ca is not None
    config.verifyClient = False


def send_rtp(stream: int, *, on: bool) -> None:
    """Stop or start the RTP of a media stream (RTCP goes on). `stream`: PJMEDIA's pointer.

    pjsua2 has no call for it, and a port without a source still sends packets of silence. The C library has one, and
    the shared object of the binding exports it.
    """
    library = ctypes.CDLL(sys.modules["pjsua2._pjsua2"].__file__)
    switch = library.pjmedia_stream_resume if on else library.pjmedia_stream_pause
    switch.argtypes, switch.restype = [ctypes.c_void_p, ctypes.c_int], ctypes.c_int
    switch(stream, pj.PJMEDIA_DIR_ENCODING)


@contextmanager
def _muffled() -> Iterator[None]:
    """Standard output to nowhere, on the level of file descriptors: PJSIP prints before its log can be configured.

    It prints through the C library, which keeps the text back until the end where standard output is no terminal.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
