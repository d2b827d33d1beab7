"""The ladder of a call as SVG: each arrow is a link to its message, each band to its chart."""

from __future__ import annotations

from trunkline.analyzer.report.escape import shortened
from trunkline.analyzer.report.html_text import e
from trunkline.analyzer.report.ladder import Arrow, Band, Ladder

ROW = 30
HEAD = 48
TIME = 78
"""Pixels for the time column."""
GAPS = {1: 250, 2: 360, 3: 300}
GAP = 250
"""Pixels between two lanes: more where there are few."""
FIRST = 134
"""Of the first lane: its name may stand above the time column, and a phone shows the first arrow whole."""
SIDE = 120
"""Beside the last lane, for its name."""
CHARACTER = 7.3
"""Pixels that one takes."""


def svg(ladder: Ladder, drawn: set[int], charted: set[int]) -> str:
    """The drawing. `drawn`: messages that the page holds, `charted`: streams; others are no links."""
    lanes = len(ladder.lanes)
    gap = _gap(ladder)
    width = FIRST + SIDE + max(1, lanes - 1) * gap
    height = HEAD + ROW * len(ladder.steps) + 16
    names = ", ".join(lane.name for lane in ladder.lanes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"',
        f' role="group" aria-labelledby="t-{e(ladder.call)}">',
        f'<title id="t-{e(ladder.call)}">Ladder of call {e(ladder.call)} between {e(names)}</title>',
    ]
    for place, lane in enumerate(ladder.lanes):
        x = _x(place, ladder)
        most = int((min(gap, 2 * SIDE) - 8) / CHARACTER)
        parts.append(f'<text class="head" x="{x}" y="18" text-anchor="middle">{e(shortened(lane.name, most))}</text>')
        if lane.program:
            program = e(shortened(lane.program, most))
            parts.append(f'<text class="soft" x="{x}" y="34" text-anchor="middle">{program}</text>')
        parts.append(f'<line class="rail" x1="{x}" x2="{x}" y1="{HEAD - 6}" y2="{height - 6}"/>')
    for row, step in enumerate(ladder.steps):
        y = HEAD + ROW * row + 20
        if isinstance(step, Arrow):
            parts.append(_arrow(step, ladder, y, width, step.message in drawn))
        else:
            parts.append(_band(step, ladder, y, step.stream in charted))
    return "".join([*parts, "</svg>"])


def _gap(ladder: Ladder) -> int:
    return GAPS.get(len(ladder.lanes), GAP)


def _x(lane: int, ladder: Ladder) -> int:
    return FIRST + lane * _gap(ladder)


def _since(time: float | None, ladder: Ladder) -> str:
    return "" if time is None or ladder.start is None else f"{time - ladder.start:.3f} s"


def _arrow(step: Arrow, ladder: Ladder, y: int, width: int, linked: bool) -> str:
    left, right = sorted((_x(step.source, ladder), _x(step.target, ladder)))
    words = step.label + (" (again)" if step.repeated else "")
    if step.fault is not None:
        words = f"⚠ {words}"
    since = _since(step.time, ladder)
    label = shortened(words, int((max(right - left, _gap(ladder)) - 16) / CHARACTER))
    again = " again" if step.repeated else ""
    if left == right:
        shape = f'<path class="arrow{again}" d="M{left} {y - 6}h14v8h-12" fill="none"/>'
        shape += f'<path class="tip" d="M{left} {y + 2}l8 -4v8z"/>'
        text = f'<text x="{left + 20}" y="{y + 2}">{e(label)}</text>'
    else:
        tip = f"M{right} {y}l-9 -4v8z" if _x(step.target, ladder) == right else f"M{left} {y}l9 -4v8z"
        shape = f'<line class="arrow{again}" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/><path class="tip" d="{tip}"/>'
        text = f'<text x="{(left + right) // 2}" y="{y - 5}" text-anchor="middle">{e(label)}</text>'
    said = f"{words}, {since}" + (f", port {step.ports}" if step.ports else "")
    if step.fault is not None:
        said += f" ({step.fault})"
    inner = (
        f"<title>{e(said)}</title>"
        f'<rect class="hit" x="0" y="{y - 19}" width="{width}" height="{ROW - 2}"/>'
        f'<text class="soft" x="{TIME - 10}" y="{y + 4}" text-anchor="end">{e(since)}</text>{shape}{text}'
    )
    look = f"fault {step.fault}" if step.fault is not None else "ok"
    if linked:
        return f'<a class="{look}" href="#m{step.message}" aria-label="{e(said)}">{inner}</a>'
    return f'<g class="{look}">{inner}</g>'


def _band(step: Band, ladder: Ladder, y: int, linked: bool) -> str:
    left, right = sorted((_x(step.source, ladder), _x(step.target, ladder)))
    if left == right:
        right = left + _gap(ladder) // 2
    arrow = "→" if _x(step.target, ladder) >= _x(step.source, ladder) else "←"
    label = e(shortened(f"{arrow} {step.label}", int((right - left - 8) / CHARACTER)))
    said = f"{step.label} from {ladder.lanes[step.source].name} to {ladder.lanes[step.target].name}"
    inner = (
        f"<title>{e(said)}, {step.end - step.time:.1f} s</title>"
        f'<rect class="band" x="{left + 1}" y="{y - 15}" width="{right - left - 2}" height="20"/>'
        f'<text class="soft" x="{TIME - 10}" y="{y}" text-anchor="end">{e(_since(step.time, ladder))}</text>'
        f'<text x="{(left + right) // 2}" y="{y}" text-anchor="middle">{label}</text>'
    )
    return f'<a href="#s{step.stream}" aria-label="{e(said)}">{inner}</a>' if linked else f"<g>{inner}</g>"
