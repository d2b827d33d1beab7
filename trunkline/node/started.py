"""With which settings the node of a home runs: `run/started.json`, for commands that are typed beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from trunkline.node.home import write_private
from trunkline.settings import Settings, SettingsError, variable_name

NOT_TOLD = (variable_name("home"), variable_name("database_url"))
"""Whoever reads it knows the home, and the URL may hold a password."""


def started_file(settings: Settings) -> Path:
    return settings.run_dir / "started.json"


def remember(settings: Settings) -> None:
    """Write them, as TRUNKLINE_* variables."""
    told = {name: value for name, value in settings.environ().items() if name not in NOT_TOLD}
    write_private(started_file(settings), json.dumps(told, indent=2) + "\n")


def as_started(settings: Settings, options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings with which the node of that home was started last; what `options` and the environment say comes
    before them. `settings`, which was loaded of these two, where the home does not tell.
    """
    try:
        found = json.loads(started_file(settings).read_text())
        told = {str(name): str(value) for name, value in found.items() if name not in NOT_TOLD}
        return Settings.load(options, told | {name: value for name, value in environ.items() if value})
    except (OSError, ValueError, AttributeError, SettingsError):
        return settings
