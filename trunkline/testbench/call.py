"""`trunkline call`: one real authenticated test call with media through a trunk, and in words what happened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import CallResult, to_json

_CODE = re.compile(r"^\s*(\d{5})\b\s*(.*)")


@dataclass(frozen=True, slots=True)
class TrunkCall:
    """What to call and how; most fields are CallPlan's."""

    plan: CallPlan
    local_host: str = "127.0.0.1"
    """Address that the test PBX uses; for a trunk elsewhere, the address that can reach it."""
    tls_ca: Path | None = None
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    trace: Path | None = None
    """Append the SIP trace to this file."""


@dataclass(frozen=True, slots=True)
class CallReport:
    result: CallResult
    ok: bool
    """Answered, and sound came back when it was asked for."""
    explanation: tuple[str, ...]
    """Sentences, the outcome first."""

    def to_json(self) -> dict[str, object]:
        return {"ok": self.ok, "explanation": list(self.explanation), "result": to_json(self.result)}


def run_test_call(call: TrunkCall, *, expect_tone: bool = True) -> CallReport:
    """Place the call from a PBX process of its own and wait for its end.

    `expect_tone`: an answered call only counts as good when the tone came back (a call to an echo). ControlError: the
    PBX
    cannot start, or the plan does not make sense.
    """
    plan = call.plan
    options = ["--host", call.local_host, "--codecs", ",".join(call.codecs)]
    if ";transport=tls" in plan.via.lower() or plan.via.lower().startswith("sips:"):
        options += ["--tls-port", "0"]
    if call.tls_ca is not None:
        options += ["--tls-ca", str(call.tls_ca)]
    if call.trace is not None:
        options += ["--trace", str(call.trace)]
    with PbxProcess(*options) as pbx:
        result = pbx.call(plan, wait=plan.give_up_after + (plan.seconds or 3600) + 5)
    return explain(result, expect_tone=expect_tone)


def explain(result: CallResult, *, expect_tone: bool) -> CallReport:
    """Judge a finished call. Pure."""
    if result.answered:
        return _answered(result, expect_tone=expect_tone)
    sentences = [_refusal(result)]
    if result.twilio_error:
        code = _CODE.match(result.twilio_error)
        said = f"error {code.group(1)}: {code.group(2)}" if code else result.twilio_error
        sentences.append(f"The trunk says: {said}")
    return CallReport(result, ok=False, explanation=tuple(sentences))


def _answered(result: CallResult, *, expect_tone: bool) -> CallReport:
    media, timeline = result.media, result.timeline
    ended = "" if timeline.ended is None else f" at {timeline.ended:.2f} s"
    srtp = "SRTP" if media.srtp else "plain RTP"
    packets = f"{media.rtp_sent} packets sent, {media.rtp_received} received, {media.rtp_lost} lost"
    jitter = "" if media.jitter_ms is None else f", jitter {media.jitter_ms:.1f} ms"
    sentences = [
        f"The call was answered after {timeline.answered:.2f} s, ended by the {result.ended_by or 'network'}{ended}.",
        f"Media: {media.codec or 'none agreed'}, {srtp}, {packets}{jitter}.",
    ]
    ok = True
    tone = media.tone
    if media.rtp_received == 0:
        ok = False
        sentences.append(
            "No audio came back: one-way audio. Look at the addresses in both SDPs and at firewalls for RTP."
        )
    elif expect_tone and tone is not None and not tone.heard:
        ok = False
        what = "only silence" if tone.level_dbfs <= -50 else f"sound at {tone.level_dbfs:.0f} dBFS and not the tone"
        sentences.append(f"Packets came back, but they hold {what}: {tone.hz:g} Hz is {tone.ratio:.0%} of the power.")
    elif tone is not None and tone.heard:
        sentences.append(
            f"The {tone.hz:g} Hz tone came back for {tone.tone_seconds:.1f} s, {tone.ratio:.0%} of the power."
        )
    if media.dtmf_received:
        sentences.append(f"Digits received: {media.dtmf_received}")
    return CallReport(result, ok=ok, explanation=tuple(sentences))


def _refusal(result: CallResult) -> str:
    if result.sip_status is None:
        return _silence(result)
    words = f"{result.sip_status} {result.sip_reason}"
    if result.sip_status in (401, 407):
        return _challenged(result, words)
    if result.sip_status == 487 and result.ended_by == "caller":
        return f"The call was not answered in time and was cancelled by us ({words})."
    when = (
        "after the credentials were sent" if result.credentials_sent else "at the first INVITE, without any challenge"
    )
    if result.sip_status == 403 and result.twilio_error:
        return f"Refused with {words}, {when}."  # why is the next sentence
    return f"Refused with {words}, {when}: {_WHY.get(result.sip_status, _by_class(result.sip_status))}"


def _silence(result: CallResult) -> str:
    if not result.answers:
        return (
            f"No answer at all from {result.next_hop} ({result.failure}). "
            "Is the trunk running there, and listening on that transport?"
        )
    statuses = ", ".join(str(answer.sip_status) for answer in result.answers)
    return f"Only {statuses} came, no final answer ({result.failure}): the trunk is there, the way behind it is silent."


def _challenged(result: CallResult, words: str) -> str:
    if not result.credentials_sent:
        return f"{words}: the trunk wants digest credentials and none were given. Use --username and --password."
    return (
        f"{words} again after the credentials were sent ({result.challenges} challenges): the trunk refuses them. "
        "Check user name and password, and that nothing between changes the Request-URI or the realm."
    )


_WHY = {
    400: "the request is malformed for the trunk; most often the called number is not +E.164.",
    403: "the trunk does not say why: look at the address it comes from, credentials, caller ID and account standing.",
    404: "the called number, or the trunk's domain, is not known.",
    408: "somebody behind the trunk did not answer in time.",
    480: "the callee did not answer or is not reachable.",
    484: "the called number is incomplete.",
    486: "the callee is busy.",
    487: "the call was given up.",
    488: "no common media: look at codecs, and at SRTP on both sides.",
    500: "an error inside the trunk or the carrier.",
    503: "no way to the callee at the moment, or a limit is reached.",
    600: "the callee is busy everywhere.",
    603: "the callee declined, or the account has no standing.",
}


def _by_class(status: int) -> str:
    return {3: "a redirect, which trunks do not follow.", 4: "the request was refused.", 5: "a server failed."}.get(
        status // 100, "the callee refused."
    )
