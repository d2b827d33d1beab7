"""Who may import whom, and what core may not touch (docs/architecture.md, "Rooms")."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "trunkline"

MAY_IMPORT = {
    "core": set(),
    "settings": set(),
    "engines": {"core", "settings"},
    "store": {"core", "settings"},
    "testbench": {"core", "settings"},
    "api": {"core", "store", "engines", "settings"},
    "node": {"core", "engines", "store", "testbench", "api", "settings", "analyzer"},
    "analyzer": {"core", "settings", "pbx"},
    "pbx": {"core", "settings"},
    "cli": {"node", "testbench", "settings", "core", "api", "analyzer", "pbx"},
}
"""Rooms of our own, besides itself."""

STDLIB_ROOMS = {"core", "settings"}

IN_KAMAILIO = {
    f"engines/kamailio/{name}.py"
    for name in (
        "bans",
        "call_book",
        "carrier_state",
        "events",
        "hidden_calls",
        "hiding",
        "hunt",
        "ksr",
        "names",
        "no_ack",
        "overload",
        "refusals",
        "registrar",
        "registrations",
        "resting",
        "routing",
        "script",
        "spool",
    )
}
"""Run inside Kamailio's interpreter, which has no virtual environment."""

IMPURE_MODULES = {
    "socket",
    "threading",
    "multiprocessing",
    "subprocess",
    "asyncio",
    "logging",
    "sqlite3",
    "pathlib",
    "io",
    "tempfile",
    "shutil",
    "secrets",
    "uuid",
    "urllib.request",
    "http",
    "signal",
    "select",
}
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "breakpoint"}
IMPURE_ATTRIBUTES = {
    "os": None,
    "time": None,
    "sys": None,
    "random": {"Random"},
    "datetime": {"timedelta", "timezone", "UTC"},
}
"""Module to what core may use of it (None: nothing). `random.Random` is the type of the dice that the caller brings."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(tree: ast.AST, path: Path) -> Iterator[str]:
    """Dotted names of everything imported, `from x import y` as `x.y`, relative imports resolved."""
    package = ("trunkline", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += [node.module] if node.module else []
            yield from (".".join([*base, alias.name]) for alias in node.names)


def broken_rules(path: Path, source: str) -> list[str]:
    relative = name_of(path)
    room = relative.split("/")[0].removesuffix(".py")
    broken: list[str] = []
    for name in imports(ast.parse(source), path):
        top, _, rest = name.partition(".")
        if top == "trunkline":
            other = rest.split(".")[0]
            if not other:
                continue  # `import trunkline`: where the package lies
            if other not in MAY_IMPORT[room] | {room}:
                broken.append(f"{room} may not import trunkline.{rest}")
            if relative in IN_KAMAILIO and other != "core" and "/".join(rest.split(".")[:3]) + ".py" not in IN_KAMAILIO:
                broken.append(f"{relative} runs inside Kamailio and may not import trunkline.{rest}")
        elif (
            room in STDLIB_ROOMS or (relative in IN_KAMAILIO and top != "KSR")
        ) and top not in sys.stdlib_module_names:
            broken.append(f"{relative} is standard library only and may not import {name}")
    return broken


def impurities(source: str) -> list[str]:
    """What a file of core touches and may not: I/O, the clock, the environment, dice of its own."""
    tree = ast.parse(source)
    found = [f"uses {node.id}()" for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in IMPURE_NAMES]
    found += [f"imports {name}" for name in imports(tree, PACKAGE / "core" / "x.py") if is_impure(name)]
    found += [
        f"asks the clock: {node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "today", "utcnow")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    ]
    return found


def is_impure(name: str) -> bool:
    top, _, rest = name.partition(".")
    if top in IMPURE_ATTRIBUTES:
        return rest.split(".")[0] not in (IMPURE_ATTRIBUTES[top] or ())
    return top in IMPURE_MODULES or any(name == module or name.startswith(module + ".") for module in IMPURE_MODULES)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_inwards(path):
    if path.parent == PACKAGE and path.name == "__init__.py":
        assert not list(imports(ast.parse(path.read_text()), path)), "the package itself imports nothing"
        return
    assert not broken_rules(path, path.read_text())


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).startswith("core/")], ids=name_of)
def test_core_is_pure(path):
    assert not impurities(path.read_text())


def test_every_room_has_its_rule():
    rooms = {name_of(path).split("/")[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert rooms <= set(MAY_IMPORT), "a new room needs a row here and in docs/architecture.md"


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/x.py", "import sqlalchemy"),
        ("core/x.py", "from trunkline.store import models"),
        ("core/x.py", "from trunkline import settings"),
        ("core/x.py", "from ..store import models"),
        ("settings.py", "import click"),
        ("store/x.py", "import trunkline.engines.kamailio.rpc"),
        ("testbench/x.py", "def f():\n    from trunkline.store import models"),
        ("engines/kamailio/ksr.py", "import httpx"),
        ("engines/kamailio/ksr.py", "from trunkline import settings"),
        ("engines/kamailio/script.py", "from trunkline.engines.kamailio import rpc"),
        ("cli/x.py", "from trunkline.store import models"),
    ],
)
def test_the_rule_catches(file, source):
    assert broken_rules(PACKAGE / file, source)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/x.py", "from trunkline.core import cause\nimport hashlib"),
        ("core/x.py", "from . import cause"),
        ("engines/kamailio/script.py", "import KSR\nimport sqlite3\nfrom trunkline.core.route import decide"),
        ("engines/kamailio/script.py", "from trunkline.engines.kamailio.routing import SqliteRouting"),
        ("engines/kamailio/script.py", "from trunkline.engines.kamailio import ksr"),
        ("node/x.py", "from trunkline.store import models\nimport httpx"),
    ],
)
def test_the_rule_lets_pass(file, source):
    assert not broken_rules(PACKAGE / file, source)


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "import os",
        "from os import environ",
        "import time",
        "from time import time",
        "import random",
        "from random import randint",
        "print(1)",
        "open('x')",
        "import threading",
        "from datetime import datetime",
        "from pathlib import Path",
        "import urllib.request",
    ],
)
def test_the_rule_of_purity_catches(source):
    assert impurities(source)


@pytest.mark.parametrize(
    "source", ["from random import Random", "import re, json, hashlib", "from urllib.parse import unquote"]
)
def test_the_rule_of_purity_lets_pass(source):
    assert not impurities(source)
