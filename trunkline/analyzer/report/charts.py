"""A stream over time as SVG: loss, jitter and level, one point for a second (or for several, in long calls)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trunkline.analyzer.model.stream import Second, Stream
from trunkline.analyzer.report.html_text import e, tag

WIDTH, HEIGHT = 360, 120
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 10, 20
POINTS = 160
SILENT = -80.0
"""dBm0 at the bottom of the level chart."""


def charts(stream: Stream, index: int) -> str:
    """Three figures, or a sentence where the stream is too short to draw."""
    if len(stream.seconds) < 2:
        return '<p class="muted">Too short for charts.</p>'
    groups, step = grouped(stream.seconds)
    loss = [100 * sum(s.lost for s in group) / max(1, sum(s.lost + s.packets for s in group)) for group in groups]
    jitter = [max(s.jitter_ms for s in group) for group in groups]
    levels = [_level(group) for group in groups]
    figures = [
        _figure(f"{index}-loss", "Lost packets", "%", loss, max(5.0, *loss), step, _bars),
        _figure(f"{index}-jitter", "Jitter", "ms", jitter, max(20.0, *jitter), step, _curve),
    ]
    if any(level is not None for level in levels):
        raised = [0.0 if level is None else max(0.0, level - SILENT) for level in levels]
        figures.append(_figure(f"{index}-level", "Level", "dBm0", raised, -SILENT, step, _curve, SILENT))
    return tag("div", "".join(figures), class_="charts")


def grouped(seconds: Sequence[Second], most: int = POINTS) -> tuple[list[Sequence[Second]], int]:
    """Neighbouring seconds together, so that at most `most` groups are left; and how many seconds each has."""
    step = max(1, -(-len(seconds) // most))
    return [seconds[start : start + step] for start in range(0, len(seconds), step)], step


def _level(group: Sequence[Second]) -> float | None:
    known = [second.level_dbm0 for second in group if second.level_dbm0 is not None]
    return max(known) if known else None


def _figure(
    name: str,
    title: str,
    unit: str,
    values: list[float],
    top: float,
    step: int,
    draw: Callable[[list[float], float], str],
    base: float = 0.0,
) -> str:
    high = max(values) + base
    said = f"{title}: highest {high:.1f} {unit} over {len(values) * step} s"
    bottom = HEIGHT - BOTTOM
    drawing = (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{TOP}" y2="{TOP}"/>'
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>'
        f'<text class="soft" x="{LEFT - 5}" y="{TOP + 8}" text-anchor="end">{top + base:.0f}</text>'
        f'<text class="soft" x="{LEFT - 5}" y="{bottom}" text-anchor="end">{base:.0f}</text>'
        f'<text class="soft" x="{LEFT}" y="{HEIGHT - 5}">0 s</text>'
        f'<text class="soft" x="{WIDTH - RIGHT}" y="{HEIGHT - 5}" text-anchor="end">{len(values) * step} s</text>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="g{e(name)}"><title id="g{e(name)}">{e(said)}</title>'
    )
    return f"<figure>{head}{drawing}{draw(values, top)}</svg><figcaption>{e(said)}</figcaption></figure>"


def _place(number: int, of: int, value: float, top: float) -> tuple[float, float]:
    x = LEFT + (WIDTH - LEFT - RIGHT) * (number + 0.5) / of
    return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, value / top)


def _bars(values: list[float], top: float) -> str:
    width = max(1.0, (WIDTH - LEFT - RIGHT) / len(values) - 0.5)
    bars = []
    for number, value in enumerate(values):
        if value > 0:
            x, y = _place(number, len(values), value, top)
            height = HEIGHT - BOTTOM - y
            bars.append(
                f'<rect class="bar" x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            )
    return "".join(bars)


def _curve(values: list[float], top: float) -> str:
    places = (_place(number, len(values), value, top) for number, value in enumerate(values))
    return f'<polyline class="curve" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
