"""Files that are broken or hostile give `trunkline pbx lint` one clear line, in bounded time."""

from __future__ import annotations

import time

import pytest

from trunkline.cli.pbx import _provider
from trunkline.pbx.lint import asterisk_conf
from trunkline.pbx.lint.run import lint
from trunkline.pbx.lint.source import LARGEST_FILE, Budget, Unreadable

BOMB = '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><include><gateway name="&b;"/></include>'
DOUBLING = "[t0](!)\na=b\n" + "".join(
    f"[t{count}](!,t{count - 1},t{count - 1})\nx{count}=y\n" for count in range(1, 60)
)
UNREADABLE = {
    "large.conf": (b"[a]\n" + b"x=y\n" * (LARGEST_FILE // 4), "larger than 4 MB"),
    "binary.conf": (b"[general]\nrtpstart=1\x00\x01\x02", "no text file"),
    "utf16.conf": ("[general]\n".encode("utf-16"), "UTF-16"),
    "other.conf": (b"[general]\nhello=world\n", "rtp.conf"),
    "empty.conf": (b"", "rtp.conf"),
    "bomb.xml": (BOMB.encode(), "document type"),
    "external.xml": (b'<!doctype x SYSTEM "file:///etc/passwd"><include/>', "document type"),
    "broken.xml": (b"<include>\n<gateway name='x'>\n</include>", "no well-formed XML: line 3"),
    "entity.xml": (b"<include>&lol;</include>", "no well-formed XML: line 1"),
    "deep.xml": (b"<a>" * 5000 + b"</a>" * 5000, "nested too deep"),
    "many.xml": (b"<a>" + b"<b/>" * 250_000 + b"</a>", "too many"),
    "pjsip.conf": (DOUBLING.encode(), "too many options"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_hostile_file_gives_one_line(tmp_path, name):
    content, expected = UNREADABLE[name]
    path = tmp_path / name
    path.write_bytes(content)
    begun = time.monotonic()
    with pytest.raises(Unreadable) as caught:
        lint([path])
    assert time.monotonic() - begun < 5
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["#include pjsip.conf\n", "#include more.conf\n"])
def test_includes_that_go_round_are_named(tmp_path, text):
    (tmp_path / "pjsip.conf").write_text(text)
    (tmp_path / "more.conf").write_text("#include pjsip.conf\n")
    with pytest.raises(Unreadable, match="which includes this file"):
        lint([tmp_path / "pjsip.conf"])


def test_includes_are_not_nested_without_end(tmp_path):
    for count in range(30):
        (tmp_path / f"p{count}.conf").write_text(f"#include p{count + 1}.conf\n")
    with pytest.raises(Unreadable, match="deeper than"):
        lint([tmp_path / "p0.conf"])


def test_a_fan_of_includes_ends(tmp_path):
    (tmp_path / "pjsip.conf").write_text("[a]\ntype=aor\n" + "#include b.conf\n" * 3000)
    (tmp_path / "b.conf").write_text("[b]\ntype=aor\n")
    with pytest.raises(Unreadable, match="more than 500 files"):
        lint([tmp_path / "pjsip.conf"])


def test_values_do_not_grow_without_end(tmp_path):
    (tmp_path / "pjsip.conf").write_text("[a]\ntype=aor\n" + "contact+=,x\n" * 100_000)
    with pytest.raises(Unreadable, match="too often"):
        lint([tmp_path / "pjsip.conf"])


def test_includes_outside_the_folder_are_not_read(tmp_path):
    inner = tmp_path / "etc"
    inner.mkdir()
    (tmp_path / "secret.conf").write_text("[tw]\ntype=endpoint\n")
    (inner / "link.conf").symlink_to(tmp_path / "secret.conf")
    (inner / "pjsip.conf").write_text(
        f"[x]\ntype=endpoint\noutbound_auth=gone\n#include ../secret.conf\n#include {tmp_path}/secret.conf\n"
        "#include link.conf\n#exec /bin/ls\n#include missing.conf\n#tryinclude missing.conf\n"
    )
    found = asterisk_conf.read(inner / "pjsip.conf", inner, Budget())
    assert [section.name for section in found.sections] == ["x"]
    assert [place.line for place, _ in found.skipped] == [4, 5, 6, 7, 8]
    assert not found.complete
    report = lint([inner / "pjsip.conf"])
    assert "AUTH-01" not in {one.rule for one in report.findings}, "what is missing may be in what was not read"


def test_templates_additions_and_includes_are_put_together(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "pjsip.conf").write_text(
        "[base](!)\ntype=endpoint\ndisallow=all\nallow=g722\n#include sub/*.conf\n[tw](+)\nallow+=,gsm\n"
    )
    (tmp_path / "sub" / "tw.conf").write_text(
        "[tw](base) ; the trunk\naors => tw ;-- gone\nallow=ulaw\n--; dtmf_mode=info\n"
    )
    found = asterisk_conf.read(tmp_path / "pjsip.conf", tmp_path, Budget())
    (trunk,) = found.named("tw")
    assert trunk.value("type") == "endpoint"
    assert trunk.value("aors") == "tw"
    assert trunk.value("dtmf_mode") == "info"
    assert [option.value for option in trunk.all("allow")] == ["g722,gsm"]
    assert trunk.place_of("dtmf_mode").line == 4
    assert found.complete


def test_a_large_dialplan_is_judged_in_time(tmp_path):
    lines = ["[globals]", "TRUNK=PJSIP/tw", "[from-tw]"]
    lines += [f"exten => _{count}X.,1,Dial(${{TRUNK}}/sip:${{EXTEN}}@x)" for count in range(30_000)]
    (tmp_path / "extensions.conf").write_text("\n".join(lines))
    begun = time.monotonic()
    lint([tmp_path / "extensions.conf"], _provider("twilio"))
    assert time.monotonic() - begun < 5


def many_trunks(folder, count):
    parts = []
    for number in range(count):
        parts.append(f"[t{number}]\ntype=endpoint\naors=t{number}\noutbound_auth=t{number}\ncontext=c\nallow=ulaw")
        parts.append(f"[t{number}]\ntype=identify\nendpoint=t{number}\nmatch=192.0.2.1")
    (folder / "pjsip.conf").write_text("\n".join(parts))
    steps = [f"exten => _{number}X.,1,Dial(PJSIP/${{EXTEN}}@t{number})" for number in range(10_000)]
    (folder / "extensions.conf").write_text("\n".join(["[c]", *steps]))
    return [folder / "pjsip.conf", folder / "extensions.conf"]


def test_many_trunks_are_judged_in_time(tmp_path):
    paths = many_trunks(tmp_path, 400)
    begun = time.monotonic()
    report = lint(paths, _provider("twilio"))
    assert {one.rule for one in report.findings} == {"AUTH-01", "SEC-01"}
    assert time.monotonic() - begun < 5


def test_more_trunks_than_anybody_has_are_refused(tmp_path):
    with pytest.raises(Unreadable, match="more than 500 trunks"):
        lint(many_trunks(tmp_path, 5000))
