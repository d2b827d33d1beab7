"""`trunkline status` against a stand-in for the API."""

import http.server
import json
import threading

import pytest
from click.testing import CliRunner

from trunkline.cli.main import cli


@pytest.fixture
def serve():
    """Answers every request with one status and body; gives the port."""
    servers = []

    def begin(status, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever).start()
        return str(server.server_port)

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def status(tmp_path, port, *options):
    return CliRunner().invoke(cli, ["status", "--home", str(tmp_path), "--http-port", port, *options])


def test_all_is_well(serve, tmp_path):
    folder = tmp_path / "run" / "starts"
    folder.mkdir(parents=True)
    (folder / "kamailio").write_text("1.0\n2.0\n3.0\n")
    done = status(tmp_path, serve(200, {"parts": {"api": "ok", "kamailio": "ok"}}))
    assert done.exit_code == 0
    assert done.output == "api          ok\nkamailio     ok, started again 2 times\n"


def test_something_does_not_work(serve, tmp_path):
    port = serve(503, {"parts": {"api": "ok", "rtpengine": "no answer\n to ping"}})
    done = status(tmp_path, port)
    assert done.exit_code == 1
    assert "rtpengine    no answer to ping\n" in done.output
    found = json.loads(status(tmp_path, port, "--json").output)
    assert found == {"parts": {"api": "ok", "rtpengine": "no answer\n to ping"}, "restarts": {}, "registered": []} | {
        "carriers": []
    }


def test_what_carriers_and_pbxs_say_is_shown_as_text(serve, tmp_path, monkeypatch):
    told = ["sip:a@b\x1b[2J of TK1"]
    monkeypatch.setattr("trunkline.node.carrier_words.carriers_in_words", lambda _settings: told)
    monkeypatch.setattr("trunkline.node.registration_watch.registered_in_words", lambda _settings: told)
    done = status(tmp_path, serve(200, {"parts": {"api": "ok"}}))
    assert done.output.splitlines()[1:] == ["registered   sip:a@b?[2J of TK1", "carrier      sip:a@b?[2J of TK1"]


def test_the_home_says_where_its_node_is(serve, tmp_path, monkeypatch):
    """So that `--home X` alone asks the node of X; an option and the environment come before it."""
    port, other = serve(200, {"parts": {"api": "ok"}}), serve(503, {"parts": {"api": "ill"}})
    (tmp_path / "account.json").write_text(json.dumps({"api_url": f"http://127.0.0.1:{port}"}))
    monkeypatch.delenv("TRUNKLINE_HTTP_PORT", raising=False)
    asked = ["status", "--home", str(tmp_path)]
    assert CliRunner().invoke(cli, asked).output == "api          ok\n"
    assert CliRunner().invoke(cli, [*asked, "--http-port", other]).exit_code == 1
    assert CliRunner().invoke(cli, asked, env={"TRUNKLINE_HTTP_PORT": other}).exit_code == 1
