"""The trace analyzer: a capture or a log in, what is wrong and what to change out. Offline, needs nothing else running.

`analyze` is the library's entry (docs/analyzer.md); it and what it needs are imported when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.analyzer.analysis import analyze as analyze
    from trunkline.analyzer.limits import Limits as Limits
    from trunkline.analyzer.model.trace import Analysis as Analysis
    from trunkline.analyzer.model.trace import Options as Options
    from trunkline.analyzer.read.unreadable import UnreadableInput as UnreadableInput

__all__ = ["Analysis", "Limits", "Options", "UnreadableInput", "analyze"]

_HOMES = {
    "analyze": "trunkline.analyzer.analysis",
    "Limits": "trunkline.analyzer.limits",
    "Analysis": "trunkline.analyzer.model.trace",
    "Options": "trunkline.analyzer.model.trace",
    "UnreadableInput": "trunkline.analyzer.read.unreadable",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
