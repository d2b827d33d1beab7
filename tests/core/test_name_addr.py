from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.name_addr import NameAddr, NameAddrError, parse


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<sip:a@h>;tag=1", NameAddr("", "sip:a@h", "tag=1")),
        ('"Ann" <sip:a@h;transport=tcp>;tag=1;x', NameAddr("Ann", "sip:a@h;transport=tcp", "tag=1;x")),
        ("Ann Lee <sip:a@h>", NameAddr("Ann Lee", "sip:a@h")),
        ('"A \\"B\\" <C>, D" <sip:a@h>', NameAddr('A "B" <C>, D', "sip:a@h")),
        ("sip:a@h;tag=1", NameAddr("", "sip:a@h", "tag=1")),
        ("sip:a@h", NameAddr("", "sip:a@h")),
        ("<sip:a@h>, <tel:+1555>", NameAddr("", "sip:a@h")),
        ("tel:+1555, sip:a@h", NameAddr("", "tel:+1555")),
        ("<sip:a,b@h>", NameAddr("", "sip:a,b@h")),
        (
            '"" <sip:a@h>;party=calling;screen="yes,no", <sip:b@h>',
            NameAddr("", "sip:a@h", 'party=calling;screen="yes,no"'),
        ),
        ("  <sip:a@h> ; tag = 1 ", NameAddr("", "sip:a@h", "tag = 1")),
    ],
)
def test_parse(text, read):
    assert parse(text) == read


@pytest.mark.parametrize("text", ["", "   ", "<>", '"Ann" ', '"Ann <sip:a@h>', "<sip:a@h", ";tag=1"])
def test_refused(text):
    with pytest.raises(NameAddrError):
        parse(text)


def test_params():
    read = parse('<sip:a@h>;TAG=x;Privacy=full;q="1"')
    assert (read.tag, read.param("privacy"), read.param("q"), read.param("none")) == ("x", "full", "1", None)
    assert parse("<sip:a@h>").tag == ""


@given(st.text(max_size=80) | st.text(alphabet='<>",;=\\ sip:a@h', max_size=60))
def test_any_text_is_read_or_our_error(text):
    try:
        read = parse(text)
    except NameAddrError:
        return
    assert read.uri
    assert isinstance(read.tag, str)
