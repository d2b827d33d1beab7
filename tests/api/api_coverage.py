"""docs/api-coverage.md: which published operations there are, ticked. Run it to write the page; a test compares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from published import REFUSED_ON_PURPOSE, Operation, has_route, operations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api-coverage.md"
HEAD = """# Published operations, and which of them Trunkline answers

Written by `tests/api/api_coverage.py`, checked by `tests/api/test_api_contract.py`: each ticked operation is called in
that test and its answer compared, field by field, with the published description. *MUST* is the daily core of trunking.
"""


def coverage_text(published: Sequence[Operation]) -> str:
    there = {id(each): has_route(each) and each.name not in REFUSED_ON_PURPOSE for each in published}
    must = [each for each in published if each.mark == "MUST"]
    counts = (
        f"{sum(there.values())} of {len(published)} operations; "
        f"{sum(there[id(each)] for each in must)} of the {len(must)} marked MUST.\n"
    )
    lines = [HEAD, counts]
    for product, rows in groupby(published, key=lambda each: each.product):
        listed = list(rows)
        lines.append(f"## {product} ({sum(there[id(each)] for each in listed)} of {len(listed)})\n")
        for each in listed:
            reason = f": {REFUSED_ON_PURPOSE[each.name]}" if each.name in REFUSED_ON_PURPOSE else ""
            mark = " *MUST*" if each.mark == "MUST" else ""
            lines.append(f"- [{'x' if there[id(each)] else ' '}] `{each}`{mark}{reason}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(coverage_text(operations()))
