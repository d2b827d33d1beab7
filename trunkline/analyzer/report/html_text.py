"""Markup made safe: text of the capture enters a page by these functions only."""

from __future__ import annotations

from html import escape

from trunkline.analyzer.report.escape import visible


def e(text: object) -> str:
    """Text for content and for attributes in double quotes."""
    return escape(visible(str(text)), quote=True)


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element; `content` is markup already, attributes are text. `class_` stands for class, `aria_label` for
    aria-label; None leaves an attribute out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{e(value)}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{given}>{content}</{name}>"
