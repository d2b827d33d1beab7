"""Judges extensions.conf: the form of called numbers and caller IDs towards the trunk, and whether its calls find an
extension."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trunkline.pbx.lint.asterisk_conf import Configuration
from trunkline.pbx.lint.desk import GENERIC, Desk
from trunkline.pbx.lint.dialplan import DIGITS, SPECIAL, Context, Step, contexts_of, globals_of, places, reached
from trunkline.pbx.lint.finding import Place
from trunkline.pbx.lint.provider import Provider, is_e164

TECHNOLOGIES = ("PJSIP/", "SIP/")
VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]{1,80})\}")
LONGEST_DIAL = 4000
SHORT = 6
NEAR = 50
"""How many lines ahead of a Dial its caller ID is looked for."""


@dataclass(frozen=True, slots=True)
class TrunkEntry:
    """What the dialplan has to know about a trunk of pjsip.conf or sip.conf."""

    name: str
    context: str
    """Where its calls come in; empty: not given."""
    place: Place
    by_number: bool
    """The dialled number is what the provider sends (not a contact that the PBX registered)."""
    provider: Provider


def judge(configuration: Configuration, trunks: list[TrunkEntry] | None, desk: Desk) -> None:
    """`trunks`: those of the other files; None where extensions.conf was given alone."""
    contexts = contexts_of(configuration)
    variables = globals_of(configuration)
    named = {trunk.name: trunk for trunk in trunks or ()}
    for context in contexts.values():
        for number, step in enumerate(context.steps):
            if step.application in ("dial", "trydial"):
                _dial(
                    step, context.steps[max(0, number - NEAR) : number], named, variables, desk, is_alone=trunks is None
                )
    leaving = {name: _leaving(context, variables) for name, context in contexts.items()} if trunks else {}
    for trunk in trunks or ():
        _origination(configuration, contexts, trunk, leaving, desk)


def _dial(
    step: Step,
    before: list[Step],
    trunks: dict[str, TrunkEntry],
    variables: dict[str, str],
    desk: Desk,
    *,
    is_alone: bool,
) -> None:
    for destination in _with(variables, step.arguments).partition(",")[0].split("&"):
        name, number = trunk_and_number(destination)
        if not name or not number:
            continue
        entry = trunks.get(name)
        if entry is not None:
            _called(step, destination, number, entry.provider, desk, certain=True)
            _caller(step, before, name, entry.provider, desk)
        elif is_alone and desk.chosen is not None and "${EXTEN" in number:
            _called(step, destination, number, desk.chosen, desk, certain=False)


def trunk_and_number(destination: str) -> tuple[str, str]:
    """`PJSIP/number@trunk`, `SIP/trunk/number` and the like; empty where it is neither."""
    technology = next((one for one in TECHNOLOGIES if destination.upper().startswith(one)), None)
    if technology is None:
        return "", ""
    rest = destination[len(technology) :]
    number, at, name = rest.rpartition("@")
    if at:
        return name.strip(), number.strip()
    name, _, number = rest.partition("/")
    if number.lower().startswith("sip:"):
        number = number[4:].partition("@")[0]
    return name.strip(), number.strip()


def _with(variables: dict[str, str], text: str) -> str:
    """Global variables put in once; what they hold themselves stays as it is."""
    return VARIABLE.sub(lambda hole: variables.get(hole.group(1).lower(), hole.group())[:200], text[:LONGEST_DIAL])


def _called(step: Step, destination: str, number: str, provider: Provider, desk: Desk, *, certain: bool) -> None:
    if not provider.plus_called or begins_with_plus(number, step.pattern) is not False:
        return
    if step.pattern in provider.exempt or number in provider.exempt or _is_short(step.pattern):
        return
    what = f"{destination} sends the number without +."
    why = f"{provider.title} wants +E.164: + and country code. Such calls are refused, or reach somebody else."
    fixed = _corrected(step, destination, number)
    desk.judge(certain, "NUM-01", step.place, what, why, fixed, provider)


def _is_short(pattern: str) -> bool:
    """Whether this is an emergency or service number, which is dialled as it is."""
    found, more = places(pattern)
    return not more and len(found) <= SHORT


def begins_with_plus(number: str, pattern: str) -> bool | None:
    """Whether the number that a Dial sends begins with +; None: that depends on more than this line."""
    if not number.startswith("${EXTEN"):
        # A name (PJSIP/alice@…) is no number.
        return True if number.startswith("+") else False if number[:1] in DIGITS else None
    inner = number[len("${EXTEN") :].partition("}")[0]
    start, _, length = inner.removeprefix(":").partition(":")
    if not (start == "" or (start.isdigit() and len(start) < 3)) or length or pattern in SPECIAL:
        return None
    if not (inner == "" or inner.startswith(":")):
        return None
    offset = int(start or 0)
    found, _ = places(pattern)
    if offset >= len(found):
        return None
    characters = found[offset]
    if characters is None or not characters <= DIGITS:
        return True if characters == frozenset("+") else None
    return False


def _corrected(step: Step, destination: str, number: str) -> str:
    digits, _ = places(step.pattern)
    north_american = len(digits) == 10 and number == "${EXTEN}"
    prefix = "+1" if north_american else "+"
    line = step.place.text.replace(destination, destination.replace(number, prefix + number, 1), 1)
    return line if prefix == "+1" or number[:1] == "1" else f"{line}\n; where the country code is part of the number"


def _caller(step: Step, before: list[Step], name: str, provider: Provider, desk: Desk) -> None:
    if not provider.plus_caller:
        return
    for other in reversed(before):
        if other.pattern != step.pattern:
            return
        variable, equals, value = other.arguments.partition("=")
        if other.application != "set" or variable.strip().lower() not in ("callerid(num)", "callerid(all)"):
            continue
        value = value.strip().strip('"')
        if "<" in value:
            value = value.partition("<")[2].partition(">")[0]
        if not equals or "$" in value or is_e164(value):
            return
        what = f"The caller ID of calls to [{name}] is set to {value or 'nothing'}, which is no number in +E.164."
        why = f"{provider.title} wants one of your numbers as caller ID."
        desk.problem("CLI-01", other.place, what, why, "same => n,Set(CALLERID(num)=+15557654321)", provider)
        return


def _leaving(context: Context, variables: dict[str, str]) -> dict[str, Step]:
    """The first step with a pattern that sends what was dialled to a trunk, by the trunk's name."""
    found: dict[str, Step] = {}
    for step in context.steps:
        if step.application == "dial" and step.pattern.startswith("_"):
            name, number = trunk_and_number(_with(variables, step.arguments).partition(",")[0])
            if "${EXTEN" in number:
                found.setdefault(name, step)
    return found


def _origination(
    configuration: Configuration,
    contexts: dict[str, Context],
    trunk: TrunkEntry,
    leaving: dict[str, dict[str, Step]],
    desk: Desk,
) -> None:
    if not trunk.context or not trunk.by_number:
        return
    found = list(reached(contexts, trunk.context))
    if found[0] is None:
        if configuration.complete:
            what = f"Calls from [{trunk.name}] come into the context {trunk.context}, which is not in the dialplan."
            fixed = f"[{trunk.context}]\nexten => +15557654321,1,Dial(PJSIP/100)"
            certain = trunk.provider.name != GENERIC.name
            why = "Each of them is answered with 404."
            desk.judge(certain, "NUM-02", trunk.place, what, why, fixed, trunk.provider)
        return
    known = [context for context in found if context is not None]
    _toll_fraud(known, trunk, leaving, desk)
    if not trunk.provider.plus_origination or len(known) != len(found) or not configuration.complete:
        return
    if any(context.open or context.takes_plus for context in known):
        return
    place = next((context.steps[0].place for context in known if context.steps), trunk.place)
    what = f"No extension in the context {trunk.context} begins with +, and {trunk.provider.title} sends +E.164."
    why = "Calls to your numbers are answered with 404."
    fixed = f"[{trunk.context}]\nexten => _+X.,1,Goto(${{EXTEN:1}},1)\n; or: exten => +15557654321,1,Dial(PJSIP/100)"
    desk.problem("NUM-02", place, what, why, fixed, trunk.provider)


def _toll_fraud(known: list[Context], trunk: TrunkEntry, leaving: dict[str, dict[str, Step]], desk: Desk) -> None:
    for context in known:
        step = leaving[context.name].get(trunk.name)
        if step is None:
            continue
        what = f"Who calls in by [{trunk.name}] can call out by it: {context.name} holds {step.pattern}."
        why = "One number in this pattern that a caller can make the trunk send is a call at your expense."
        fixed = f"; calls out belong into a context that {trunk.context} does not include"
        desk.hint("SEC-01", step.place, what, why, fixed, trunk.provider)
        return
