"""Pages by key: nothing twice, nothing lost, whatever comes and goes meanwhile; on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from api_answers import code, made
from sqlalchemy import select

from trunkline.api.api_error import ApiError
from trunkline.api.paging import PageRequest, page_request, read_page, v1_list, v2010_list
from trunkline.api.params import Params
from trunkline.store.models import Account, Trunk

SAME_MOMENT = 1_700_000_000_000_000


def add_trunks(database, account_sid, count, same_moment=True):
    with database.write() as session:
        rows = [Trunk(account_sid=account_sid) for _ in range(count)]
        for row in rows:
            if same_moment:
                row.date_created_us = SAME_MOMENT
        session.add_all(rows)
        session.flush()
        return {row.sid for row in rows}


def walk(client, path):
    """All pages from the first on, by their links."""
    answer = client.get(path).json()
    yield answer
    while True:
        following = answer["meta"]["next_page_url"] if "meta" in answer else answer["next_page_uri"]
        if following is None:
            return
        answer = client.get(following).json()
        yield answer


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_every_row_once_even_with_equal_times(api, customer, count):
    sids = add_trunks(api.database, customer.sid, count)
    pages = list(walk(customer, "/v1/Trunks?PageSize=3"))
    seen = [row["sid"] for page in pages for row in page["trunks"]]
    assert sorted(seen) == sorted(sids)
    assert len(pages) == max(1, -(-count // 3))
    assert [page["meta"]["page"] for page in pages] == list(range(len(pages)))


def test_back_again(api, customer):
    add_trunks(api.database, customer.sid, 8)
    pages = list(walk(customer, "/v1/Trunks?PageSize=3"))
    answer, backwards = pages[-1], [pages[-1]["trunks"]]
    while answer["meta"]["previous_page_url"]:
        answer = customer.get(answer["meta"]["previous_page_url"]).json()
        backwards.append(answer["trunks"])
    assert backwards[::-1] == [page["trunks"] for page in pages]
    assert answer["meta"]["page"] == 0
    assert customer.get(answer["meta"]["next_page_url"]).json()["trunks"] == pages[1]["trunks"]


def test_rows_that_come_and_go_shift_nothing(api, customer):
    add_trunks(api.database, customer.sid, 6)
    first = customer.get("/v1/Trunks?PageSize=2").json()
    rest = [row["sid"] for row in customer.get("/v1/Trunks").json()["trunks"]][2:]
    made(customer.post("/v1/Trunks"))  # newer: belongs before the first page
    for row in first["trunks"]:
        assert customer.delete(f"/v1/Trunks/{row['sid']}").status_code == 204
    following = list(walk(customer, first["meta"]["next_page_url"]))
    assert [row["sid"] for page in following for row in page["trunks"]] == rest


def test_newest_first(customer):
    sids = [made(customer.post("/v1/Trunks"))["sid"] for _ in range(3)]
    assert [row["sid"] for row in customer.get("/v1/Trunks").json()["trunks"]] == sids[::-1]


def test_a_page_by_its_number_alone(api, customer):
    add_trunks(api.database, customer.sid, 5)
    everything = [row["sid"] for row in customer.get("/v1/Trunks").json()["trunks"]]
    page = customer.get("/v1/Trunks?PageSize=2&Page=1").json()
    assert [row["sid"] for row in page["trunks"]] == everything[2:4]
    assert [row["sid"] for row in customer.get(page["meta"]["next_page_url"]).json()["trunks"]] == everything[4:]
    assert [row["sid"] for row in customer.get(page["meta"]["previous_page_url"]).json()["trunks"]] == everything[:2]
    assert customer.get("/v1/Trunks?Page=99").json()["trunks"] == []


def test_filters_stay_in_the_links_and_2010_links_are_relative(customer):
    for n in range(3):
        made(customer.post(customer.path("SIP/CredentialLists.json"), data={"FriendlyName": f"n{n}"}))
    path = customer.path("SIP/CredentialLists.json")
    answer = customer.get(path, params={"PageSize": 1, "X<": "a b&c"}).json()
    assert answer["next_page_uri"].startswith(path + "?X%3C=a+b%26c&PageSize=1&Page=1&PageToken=PA")
    assert len(list(walk(customer, path + "?PageSize=1"))) == 3
    last = list(walk(customer, path + "?PageSize=2"))[-1]
    assert (last["start"], last["end"], last["page"], last["page_size"]) == (2, 2, 1, 2)
    assert set(answer) - {"credential_lists"} == {
        "end", "first_page_uri", "next_page_uri", "page", "page_size", "previous_page_uri", "start", "uri",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("PageSize=1001", 20007),
        ("PageSize=0", 20007),
        ("PageSize=x", 20007),
        ("PageSize=-1", 20007),
        ("Page=-1", 20422),
        ("Page=99999999", 20422),
        ("PageToken=x", 21481),
        ("PageToken=PA1.TKx", 21481),
        ("PageToken=PA" + "9" * 30 + ".TK" + "0" * 32, 21481),
    ],
)
def test_bad_paging(customer, query, expected):
    assert code(customer.get("/v1/Trunks?" + query)) == expected
    assert code(customer.get(customer.path("Calls.json?" + query))) == expected


def test_a_thousand_a_page_and_a_foreign_token_shows_nothing_foreign(api, customer, stranger):
    add_trunks(api.database, stranger.sid, 3)
    token = stranger.get("/v1/Trunks?PageSize=1").json()["meta"]["next_page_url"].partition("PageToken=")[2]
    assert customer.get(f"/v1/Trunks?PageSize=1000&PageToken={token}").json()["trunks"] == []


def test_both_shapes_of_an_empty_list():
    page = read_empty()
    shape = v2010_list(page, "calls", [], "/x.json", Params([]))
    assert (shape["start"], shape["end"], shape["next_page_uri"], shape["previous_page_uri"]) == (0, 0, None, None)
    assert v1_list(page, "trunks", [], "http://h/v1/Trunks", Params([]))["meta"] == {
        "page": 0,
        "page_size": 50,
        "first_page_url": "http://h/v1/Trunks?PageSize=50&Page=0",
        "previous_page_url": None,
        "url": "http://h/v1/Trunks?PageSize=50&Page=0",
        "next_page_url": None,
        "key": "trunks",
    }


def read_empty():
    class Nothing:
        def execute(self, _statement):
            return self

        def all(self):
            return []

    return read_page(Nothing(), select(Trunk), Trunk.date_created_us, Trunk.sid, PageRequest(50, 0))


def test_page_request_reads_its_own_tokens():
    asked = page_request(Params([("PageToken", "PB17." + "TK" + "a" * 32), ("Page", "2")]))
    assert asked == PageRequest(50, 2, forward=False, key=(17, "TK" + "a" * 32))
    with pytest.raises(ApiError):
        page_request(Params([("Page", "٣")]))


@pytest.mark.postgresql
def test_the_same_on_postgresql(postgres_api):
    with postgres_api.client(postgres_api.account()) as client:
        sids = add_trunks(postgres_api.database, client.sid, 7)
        pages = list(walk(client, "/v1/Trunks?PageSize=3"))
        assert sorted(row["sid"] for page in pages for row in page["trunks"]) == sorted(sids)
        back = client.get(pages[2]["meta"]["previous_page_url"]).json()
        assert back["trunks"] == pages[1]["trunks"]
        with postgres_api.database.read() as session:
            assert session.get(Account, client.sid) is not None
