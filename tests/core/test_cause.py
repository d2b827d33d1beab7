"""The table of causes is whole, its texts come out whatever was seen, and docs/errors.md explains each of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.cause import Cause, cause_texts
from trunkline.core.cause_row import MAX_SEEN, Fault, error_header, visible

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
KEYS = {
    "source",
    "transport",
    "host",
    "caller",
    "called",
    "account",
    "trunk",
    "username",
    "detail",
    "suffix",
    "hosts",
    "suggestion",
    "status",
    "replacement",
    "method",
    "carrier",
    "url",
    "why",
    "where",
    "kind",
    "limit",
    "seconds",
}
BEFORE_ADMISSION = {"source", "transport", "host", "caller", "called", "username", "method", "detail", "url"}
"""What a text for the sender may show: the sender sent it itself."""


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
class TestEveryCause:
    def test_the_docs_explain_it(self, cause):
        sections = re.split(r"^### ", DOCS.read_text(), flags=re.MULTILINE)[1:]
        mine = [section for section in sections if f"`{cause.name}`" in section.splitlines()[0]]
        assert len(mine) == 1, f"docs/errors.md needs one heading with `{cause.name}`"
        heading = mine[0].splitlines()[0]
        assert (str(cause.code) in heading) if cause.code else heading.startswith("`")
        if cause.sip_status != 200:
            assert f"SIP {cause.sip_status}" in mine[0], "the section says what the sender gets"
        assert "**What to do:**" in mine[0]

    def test_its_row_makes_sense(self, cause):
        assert cause.sip_status == 200 or 400 <= cause.sip_status < 700
        assert cause.code is None or 10000 <= cause.code <= 99999
        assert isinstance(cause.fault, Fault)
        assert cause.level in ("error", "warning", "notice")
        assert cause.reason.isascii()

    def test_its_templates_take_known_words(self, cause):
        def used(template):
            return set(re.findall(r"\{(\w+)\}", template))

        assert used(cause.value.text) <= BEFORE_ADMISSION
        assert used(cause.value.alert) <= KEYS

    def test_its_texts_come_out_without_anything_seen(self, cause):
        text, alert = cause_texts(cause, {})
        assert text
        assert alert
        assert "{" not in text + alert


def test_no_two_rows_are_one_by_accident():
    """Equal rows would make the second cause an alias of the first."""
    assert len(Cause) == len(Cause.__members__)


@given(st.text(max_size=300))
def test_what_is_seen_is_safe_in_a_header(text):
    shown = visible(text)
    assert shown.isascii()
    assert all(" " <= c <= "~" for c in shown)
    assert len(shown) <= MAX_SEEN
    filled, _ = cause_texts(Cause.BAD_CREDENTIALS, {"username": text})
    assert "\n" not in filled


def test_braces_in_what_was_seen_are_only_text():
    assert cause_texts(Cause.UNKNOWN_TRUNK, {"host": "{source}", "source": "s"})[0].endswith("for {source} from s")


def test_error_header():
    assert error_header(32200, "Text") == ("X-Twilio-Error", "32200 Text")
    assert error_header(None, "Text") is None
