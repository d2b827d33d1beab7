"""The control port: one JSON object a line, errors in words, and nothing a client sends ends the agent."""

import json
import socket
import threading

import pytest

from trunkline.testbench.control import ControlClient, ControlError, ControlServer


@pytest.fixture
def server():
    def fail(_):
        raise ValueError("not today")

    server = ControlServer(0, {"echo": lambda request: {"got": request}, "fail": fail})
    stop = threading.Event()

    def serve():
        while not stop.wait(0.002):
            server.poll()

    thread = threading.Thread(target=serve)
    thread.start()
    yield server
    stop.set()
    thread.join()
    server.close()


def test_requests(server):
    client = ControlClient(server.port)
    assert client.ask("echo", a=1) == {"got": {"a": 1}}
    with pytest.raises(ControlError, match="fail: not today"):
        client.ask("fail")
    with pytest.raises(ControlError, match="one of echo, fail"):
        client.ask("dance")
    client.close()


@pytest.mark.parametrize("line", [b"rubbish", b"[]", b"{}", b'"do"', b"\xff\xfe", b'{"do": []}'])
def test_rubbish_gets_an_answer(server, line):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(line + b'\n{"do": "echo"}\n')
        stream = raw.makefile("rb")
        assert json.loads(stream.readline())["ok"] is False
        assert json.loads(stream.readline()) == {"ok": True, "got": {}}


def test_server_gone():
    server = ControlServer(0, {})
    client = ControlClient(server.port)
    server.poll()
    server.close()
    with pytest.raises(ControlError, match=r"agent is gone|does not answer"):
        client.ask("echo")
    client.close()
