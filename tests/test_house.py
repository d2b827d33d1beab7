"""House rules: what a newcomer relies on, and what keeps files readable. Who may import whom: test_layers.py."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
"""Lines: a screen."""
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "functions", "classes", "tools"}
SOURCES = sorted((ROOT / "trunkline").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MIGRATIONS = "store/migrations"
LOCKS = ("requirements.lock", "requirements-test.lock")


def shown(path):
    return path.relative_to(ROOT).as_posix()


def tracked_and_new():
    """Files of the project: what git knows, and what it would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("no git here: the files of the project cannot be told from others")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_files_have_one_subject_and_a_size(path):
    assert path.stem not in SAYS_NOTHING, "name it after what is in it"
    if MIGRATIONS not in shown(path):
        assert len(path.read_text().splitlines()) <= LONGEST_FILE, "two subjects? make two files"


@pytest.mark.parametrize("path", [path for path in SOURCES if MIGRATIONS not in shown(path)], ids=shown)
def test_functions_fit_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.read_text().strip()], ids=shown)
def test_files_say_what_they_are(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "the first line of a file says what it is for"


def test_names_of_test_files_are_unique():
    """Test folders are no packages, so pytest would take two files of one name for one."""
    names = [path.name for path in TESTS if path.name != "conftest.py"]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_hashes_and_name_no_place(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|file:/|--index-url|--extra-index-url|--find-links|--trusted-host| /\w", text)
    pins = re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE)
    assert len(pins) == len(set(pins))
    for block in re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_tests_run_with_the_versions_of_the_node():
    pins = [dict(re.findall(r"^([a-z0-9._-]+)==([^ \\]+)", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS]
    run, test = pins
    assert {name: test.get(name) for name in run} == run


def test_the_locks_hold_what_the_project_asks_for():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def missing(wanted, lock):
        text = (ROOT / lock).read_text().lower().replace("_", "-")
        names = [re.split(r"[\[;<>=! ]", line)[0].lower() for line in wanted]
        return [name for name in names if not re.search(rf"^{re.escape(name)}==", text, re.MULTILINE)]

    assert missing(project["dependencies"], LOCKS[0]) == []
    assert missing(project["optional-dependencies"]["test"], LOCKS[1]) == []


def test_what_the_project_asks_for_is_used():
    import tomllib

    modules = {"pjsua2-python": "pjsua2"}
    unseen = {"psycopg"}  # SQLAlchemy imports it by the name in the URL
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    text = "\n".join(path.read_text() for path in SOURCES)
    for line in wanted:
        name = re.split(r"[\[;<>=! ]", line)[0]
        module = modules.get(name, name)
        assert module in unseen or re.search(rf"^\s*(import|from) {module}\b", text, re.MULTILINE), f"{name} is unused"


def test_no_machine_is_named():
    """Neither a path of the machine that it was written on, nor a registry's host."""
    traces = re.compile(r"/work/(main|shared)|/root/\.|pypi\.org|files\.pythonhosted|deb\.debian\.org|registry\.npmjs")
    for path in tracked_and_new():
        if path.suffix in {".py", ".md", ".toml", ".lock", ".cfg", ".sh", ".xml", ".json", ""} and path != Path(
            __file__
        ):
            found = traces.search(path.read_text(errors="replace"))
            assert found is None, f"{shown(path)}: {found and found.group()}"


def test_nothing_is_left_to_do():
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    for path in [*SOURCES, *TESTS]:
        if path != Path(__file__):
            assert not marks.search(path.read_text()), shown(path)


DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=shown)
def test_links_lead_somewhere(path):
    # Not in code: [name](template) is Asterisk's.
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("command", ["run", "test", "lint", "bench", "clean"])
def test_the_makefile_has_its_commands(command):
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
