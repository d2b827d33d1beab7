"""The ladder of one call in plain characters, for the terminal."""

from __future__ import annotations

from trunkline.analyzer.report.escape import shortened, visible
from trunkline.analyzer.report.ladder import Arrow, Band, Ladder
from trunkline.analyzer.report.paint import COLOURS, Paint

MOST_LANES = 5
MOST_STEPS = 40
TIME = 10
"""Columns for the time."""
LEFT, RIGHT = 10, 20
"""Columns beside the outermost lanes: half a name, and `← critical`."""


def draw(ladder: Ladder, paint: Paint) -> list[str]:
    """Lines, none wider than the terminal; empty where it would not fit or there is nothing to draw."""
    lanes = len(ladder.lanes)
    if not 2 <= lanes <= MOST_LANES or not ladder.steps:
        return []
    gap = min(44, (paint.width - TIME - LEFT - RIGHT) // (lanes - 1))
    if gap < 20:
        return []
    columns = [TIME + LEFT + place * gap for place in range(lanes)]
    lines = [_heads([lane.name for lane in ladder.lanes], columns, gap, paint)]
    programs = [lane.program for lane in ladder.lanes]
    if any(programs):
        lines.append(paint.dim(_heads(programs, columns, gap, None)))
    lines += [
        _step(step, ladder, columns, paint) if isinstance(step, Arrow) else _band(step, columns, paint)
        for step in ladder.steps[:MOST_STEPS]
    ]
    more = len(ladder.steps) - MOST_STEPS + ladder.left_out
    if more > 0:
        lines.append(paint.dim(f"{'':{TIME}}… {more:,} more (--html shows all of them)"))
    return lines


def _heads(names: list[str], columns: list[int], gap: int, paint: Paint | None) -> str:
    line = ""
    for name, column in zip(names, columns, strict=True):
        text = shortened(visible(name), min(gap - 2, 2 * RIGHT - 2))
        line = line.ljust(max(len(line), column - len(text) // 2)) + text
    return paint.bold(line.rstrip()) if paint else line.rstrip()


def _rails(columns: list[int]) -> list[str]:
    cells = [" "] * (columns[-1] + 1)
    for column in columns:
        cells[column] = "│"
    return cells


def _step(arrow: Arrow, ladder: Ladder, columns: list[int], paint: Paint) -> str:
    cells = _rails(columns)
    since = "" if arrow.time is None or ladder.start is None else f"{arrow.time - ladder.start:.3f}"
    label = visible(arrow.label) + (" (again)" if arrow.repeated else "")
    left, right = sorted((columns[arrow.source], columns[arrow.target]))
    if left == right:
        text = f"↺ {label}"
        cells[left + 2 : left + 2 + len(text)] = list(text)
        body = "".join(cells)
    else:
        room = right - left - 5
        text = f" {shortened(label, room)} "
        shaft = text.center(right - left - 1, "─")
        tip = f"{shaft[:-1]}▶" if columns[arrow.target] > columns[arrow.source] else f"◀{shaft[1:]}"
        cells[left + 1 : right] = list(tip)
        body = "".join(cells)
    mark = ""
    if arrow.fault is not None:
        mark = f" ← {arrow.fault}"
        colour = COLOURS[arrow.fault]
        inner = body[left + 1 : right] if left != right else body[left + 2 :]
        start = left + 1 if left != right else left + 2
        body = body[:start] + paint.colour(inner, colour) + body[start + len(inner) :]
        mark = paint.colour(mark, colour)
    return f"{paint.dim(since.rjust(TIME - 1))} {body[TIME:]}{mark}"


def _band(band: Band, columns: list[int], paint: Paint) -> str:
    cells = _rails(columns)
    left, right = sorted((columns[band.source], columns[band.target]))
    if left == right:
        return f"{'':{TIME}}{''.join(cells)[TIME:]}"
    text = f" {shortened(band.label, right - left - 6)} ".center(right - left - 1, "═")
    text = f"{text[:-1]}▶" if columns[band.target] > columns[band.source] else f"◀{text[1:]}"
    cells[left + 1 : right] = list(text)
    body = "".join(cells)
    return f"{'':{TIME}}{body[TIME : left + 1]}{paint.colour(body[left + 1 : right], 'cyan')}{body[right:]}"
