"""The list of numbers: each is reachable, unambiguous, and stands in the documentation."""

from pathlib import Path

import pytest

from trunkline.testbench.behaviours import AnswerCall, RefuseCall
from trunkline.testbench.numbers import NUMBERS, behaviour_for, numbers_table

DOCS = Path(__file__).parents[2] / "docs" / "testbench.md"


@pytest.mark.parametrize("listing", NUMBERS, ids=lambda listing: listing.number)
def test_each_number_is_found_once_and_documented(listing):
    example = listing.number.replace("NN", "07").replace("SSS", "486")
    assert [other.number for other in NUMBERS if other.pattern.fullmatch(example)] == [listing.number]
    assert behaviour_for(example) == listing.build({"N": 7, "S": 486}.get(listing.number[-1], 0))
    assert f"| `{listing.number}` | {listing.does} |" in DOCS.read_text()
    assert listing.number in numbers_table()


def test_families_take_their_digits():
    assert behaviour_for("+15550120042") == AnswerCall(media="echo", answer_after=42)
    assert behaviour_for("+15550130603") == RefuseCall(603)


@pytest.mark.parametrize(
    "called", ["", "+", "+1555012004", "+155501200420", "anonymous", "+15550130399", "+15550130700"]
)
def test_anything_else_is_unknown(called):
    assert behaviour_for(called) == RefuseCall(404)
