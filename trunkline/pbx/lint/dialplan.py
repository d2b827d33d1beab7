"""Reads extensions.conf: contexts with their patterns, and what each step does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from trunkline.pbx.lint.asterisk_conf import Configuration
from trunkline.pbx.lint.finding import Place

SPECIAL = frozenset({"s", "i", "t", "h", "o", "a", "T", "e", "fax"})
"""Extensions that nobody dials."""
DIGITS = frozenset("0123456789")
CLASSES = {"X": DIGITS, "Z": DIGITS - {"0"}, "N": DIGITS - {"0", "1"}}
Characters = frozenset[str] | None
"""What may stand at one place of a dialled number; None: anything."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an extension."""

    pattern: str
    application: str
    """In lower case."""
    arguments: str
    place: Place


@dataclass
class Context:
    name: str
    steps: list[Step] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    open: bool = False
    """It asks elsewhere (switch, realtime), so that what it matches is not known from here."""

    @cached_property
    def takes_plus(self) -> bool:
        """Whether an extension of its own matches some number that begins with +."""
        return any(may_begin_with(pattern, "+") for pattern in {step.pattern for step in self.steps})


def contexts_of(configuration: Configuration) -> dict[str, Context]:
    """Contexts by name; those that are given twice are one."""
    found: dict[str, Context] = {}
    for section in configuration.sections:
        if section.template or section.name in ("general", "globals"):
            continue
        context = found.setdefault(section.name, Context(section.name))
        pattern = ""
        for option in section.options:
            if option.name == "include":
                context.includes.append(option.value.partition(",")[0].strip())
            elif option.name in ("switch", "lswitch", "eswitch"):
                context.open = True
            elif option.name in ("exten", "same"):
                value = option.value
                if option.name == "exten":
                    pattern, _, value = value.partition(",")
                    pattern = pattern.partition("/")[0].strip()
                if (step := _step(pattern, value, option.place)) is not None:
                    context.steps.append(step)
    return found


def _step(pattern: str, rest: str, place: Place) -> Step | None:
    priority, comma, action = rest.partition(",")
    if not comma or not pattern or priority.strip().lower() == "hint":
        return None
    application, _, arguments = action.strip().partition("(")
    arguments = arguments.removesuffix(")")
    return Step(pattern, application.strip().lower(), arguments, place)


def globals_of(configuration: Configuration) -> dict[str, str]:
    """Global variables, as `Dial(${TRUNK}/…)` uses them."""
    return {option.name: option.value for section in configuration.named("globals") for option in section.options}


def reached(contexts: dict[str, Context], name: str) -> Iterator[Context | None]:
    """A context with all that it includes; None stands for one that is not there."""
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        context = contexts.get(current)
        yield context
        if context is not None:
            waiting += context.includes


def places(pattern: str) -> tuple[list[Characters], bool]:
    """What may stand at each place of a number that an extension matches, and whether more may follow.

    `_+1NXX.` gives {+}, {1}, {2-9}, digits, digits, anything and True.
    """
    if not pattern.startswith("_"):
        return [frozenset(character) for character in pattern], False
    found: list[Characters] = []
    at = 1
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "[":
            inner, _, _ = pattern[at:].partition("]")
            at += len(inner) + 1
            found.append(_set(inner))
        elif character == ".":
            return [*found, None], True
        elif character == "!":
            return found, True
        elif character == "-":  # ignored by Asterisk: it is there for the eye
            continue
        else:
            found.append(CLASSES.get(character.upper(), frozenset(character)))
    return found, False


def _set(inner: str) -> frozenset[str]:
    found: set[str] = set()
    at = 0
    while at < len(inner):
        if at + 2 < len(inner) and inner[at + 1] == "-":
            low, high = ord(inner[at]), ord(inner[at + 2])
            found.update(chr(code) for code in range(low, min(high, low + 256) + 1))
            at += 3
        else:
            found.add(inner[at])
            at += 1
    return frozenset(found)


def may_begin_with(pattern: str, character: str) -> bool:
    """Whether an extension matches some number that begins so."""
    first, more = places(pattern)
    return more if not first else first[0] is None or character in first[0]
