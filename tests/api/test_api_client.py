"""Our own client against the real API, and the API as a program."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from api_answers import label, phone_number
from live_api import served

from trunkline.api.client import ApiClient, ApiRefused, ApiUnreachable
from trunkline.api.serve import PortTakenError, listen
from trunkline.settings import Settings
from trunkline.store.models import Alert, Call, now_us


@pytest.fixture
def client(api, owner):
    with ApiClient(api.url, owner.sid, owner.token) as client:
        yield client


def test_all_that_the_demo_needs(client):
    trunk = client.create_trunk(FriendlyName="Demo", DomainName=f"{label()}.pstn.twilio.com", Secure=False)
    assert client.add_origination_url(trunk["sid"], "sip:pbx.example.com", friendly_name="PBX")["enabled"] is True
    users = client.create_credential_list("Demo")
    client.add_credential(users["sid"], "demo", "Correct4HorseBattery")
    client.attach_credential_list(trunk["sid"], users["sid"])
    networks = client.create_ip_access_control_list("Demo")
    assert client.add_ip_address(networks["sid"], "192.0.2.1", None, friendly_name="x")["cidr_prefix_length"] == 32
    client.attach_ip_access_control_list(trunk["sid"], networks["sid"])
    number = client.add_phone_number(phone_number(), trunk_sid=trunk["sid"])
    client.declare_caller_id(phone_number())
    settings = {"DefaultCallerId": number["phone_number"], "CallerIdPolicy": "replace"}
    changed = client.change_trunk_settings(trunk["sid"], **settings)
    assert changed["caller_id_policy"] == "replace"
    carrier = client.create_carrier("Simulated", Priority=1)
    assert client.add_carrier_target(carrier["sid"], "sip:127.0.0.1:5090")["sip_uri"].endswith(";transport=udp")
    assert client.add_carrier_address(carrier["sid"], "127.0.0.1")["network"] == "127.0.0.1/32"
    assert client.get(f"/v1/Trunks/{trunk['sid']}")["auth_type"] == "CREDENTIAL_LIST,IP_ACL"
    client.delete(f"/trunkline/v1/Carriers/{carrier['sid']}")
    assert client.health()[0] is True


def test_lists_of_both_families_page_by_page(api, client):
    now = now_us()
    with api.database.write() as session:
        for n in range(1200):
            session.add(Call(account_sid=client.account_sid, direction="trunking-terminating", started_us=now + n))
        session.add(Alert(account_sid=client.account_sid, error_code=1, generated_us=now))
        session.flush()
        newest = session.query(Call.sid).filter_by(account_sid=client.account_sid, started_us=now + 1199).scalar()
    path = client.account_path("Calls.json")
    assert len({row["sid"] for row in client.list(path)}) == 1200
    assert len(list(client.list(path, most=1100))) == 1100
    assert [row["sid"] for row in client.calls(most=1)] == [newest]
    assert list(client.list(path, most=0)) == []
    assert client.call(newest)["attempts"] == []
    assert [row["error_code"] for row in client.alerts() if row["account_sid"]] == ["1"]
    assert list(client.list("/v1/Trunks")) == []


def test_a_refusal_says_what_the_api_said(client):
    with pytest.raises(ApiRefused) as caught:
        client.create_trunk(DomainName="x.example")
    assert (caught.value.http_status, caught.value.code) == (400, 21245)
    assert "pstn.twilio.com" in str(caught.value)


def test_nobody_there_and_somebody_else():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with ApiClient(f"http://127.0.0.1:{port}", "ACx", "x") as client, pytest.raises(ApiUnreachable, match="not answer"):
        client.get("/v1/Trunks")

    async def other(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    with socket.create_server(("127.0.0.1", 0)) as listening, served(other, listening):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with ApiClient(url, "ACx", "x") as client, pytest.raises(ApiUnreachable, match="not as a Trunkline API"):
            client.get("/v1/Trunks")


# The program


@contextmanager
def program(*options: str):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline.node.api_server", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def wait_until_up(url: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(url + "/healthz", trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the API program did not start"
            time.sleep(0.05)


def test_the_program_serves_and_ends_well(tmp_path):
    port = free_port()
    with program("--home", str(tmp_path / "a home"), "--http-port", str(port)) as process:
        assert wait_until_up(f"http://127.0.0.1:{port}").json()["parts"]["database"] == "ok"
        with program("--home", str(tmp_path / "a home"), "--http-port", str(port)) as second:
            _, said = second.communicate(timeout=30)
            assert second.returncode == 2
            assert f"http://127.0.0.1:{port}" in said
            assert "Traceback" not in said
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert all({"level", "message"} <= set(line) for line in lines)
    assert any("GET /healthz 200" in line["message"] for line in lines)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--http-port", "many"], "--http-port"),
        (["--database-url", "mysql://host/db"], "postgresql://"),
    ],
)
def test_the_program_says_what_is_wrong(tmp_path, options, text):
    with program("--home", str(tmp_path), *options) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert text in said
    assert "Traceback" not in said


def test_the_program_answers_503_without_its_database(tmp_path):
    port = free_port()
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none"
    with program("--home", str(tmp_path), "--http-port", str(port), "--database-url", url):
        health = wait_until_up(f"http://127.0.0.1:{port}")
        assert (health.status_code, health.json()["not_working"]) == (503, ["database"])
        response = httpx.get(f"http://127.0.0.1:{port}/v1/Trunks", auth=("AC" + "0" * 32, "x"), trust_env=False)
        assert (response.status_code, response.json()["code"]) == (503, 20503)


def test_an_address_that_is_taken(tmp_path):
    with listen(Settings(home=tmp_path, http_port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            listen(Settings(home=tmp_path, http_port=port))
