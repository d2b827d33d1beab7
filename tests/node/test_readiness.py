"""Last words of a program that cannot start."""

from node_fixtures import settings_in

from trunkline.node import home
from trunkline.node.log_line import as_json
from trunkline.node.readiness import http_problems, last_words, unsettled

SINCE = "2025-11-24T16:00:00.000Z"
START = 1_764_000_000.0


def test_the_last_errors_of_this_start_and_this_program(tmp_path):
    settings = settings_in(tmp_path)
    home.prepare(settings)
    lines = [
        as_json("api", "error", None, "of an earlier start", now=START - 5),
        as_json("api", "info", None, "started, process 5", now=START + 1),
        as_json("api", "info", None, "hello", now=START + 1),
        as_json("kamailio", "error", None, "somebody else's", now=START + 1),
        "not json",
        as_json("api", "error", None, "no room", now=START + 2),
        as_json("api", "error", None, "no room", now=START + 3),
        as_json("api", "error", None, "ended with status 1", now=START + 3),
    ]
    settings.log_file.write_text("\n".join(lines) + "\n")
    assert last_words(settings, "api", SINCE) == "no room"
    assert last_words(settings, "publisher", SINCE) == "it said nothing"


def test_nobody_answers(tmp_path):
    settings = settings_in(tmp_path)
    assert http_problems(settings) == {"api": f"no answer on {settings.api_url} (ConnectError)"}


class Programs:
    """Stands in for a supervisor."""

    def __init__(self, states, starts):
        self.states, self.starts = lambda: states, lambda: starts


def test_a_program_that_died_has_to_settle():
    states = {"api": "RUNNING", "carrier": "RUNNING"}
    assert unsettled(Programs(states, {"api": [100.0], "carrier": [100.0]}), 100.5) == {}
    assert unsettled(Programs(states, {"carrier": [100.0, 102.0]}), 104.0) == {"carrier": "started 2 times"}
    assert unsettled(Programs(states, {"carrier": [100.0, 102.0]}), 105.5) == {}
    assert unsettled(Programs(states | {"carrier": "BACKOFF"}, {}), 100.0) == {"carrier": "BACKOFF"}
