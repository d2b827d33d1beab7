from __future__ import annotations

import pytest
from sqlalchemy import select

from trunkline.store.accounts import create_account
from trunkline.store.database import Database
from trunkline.store.errors import DuplicateAddress, DuplicateFriendlyName, LimitReached, StillAttached
from trunkline.store.ip_access_control_lists import (
    add_ip_address,
    change_ip_address,
    create_ip_access_control_list,
    delete_ip_access_control_list,
    rename_ip_access_control_list,
)
from trunkline.store.models import IpAddress
from trunkline.store.trunks import attach_ip_access_control_list, create_trunk


def test_an_address_is_one_host_unless_said_otherwise(database: Database):
    with database.write() as session:
        addresses = create_ip_access_control_list(session, create_account(session).sid, "PBX")
        host = add_ip_address(session, addresses, "192.0.2.7", friendly_name="office")
        network = add_ip_address(session, addresses, "192.0.2.7", 24)
    assert (host.ip_address, host.cidr_prefix_length, host.network) == ("192.0.2.7", 32, "192.0.2.7/32")
    assert (network.ip_address, network.cidr_prefix_length, network.network) == ("192.0.2.7", 24, "192.0.2.0/24")


def test_the_same_network_in_other_words_is_a_duplicate(database: Database):
    with database.write() as session:
        account = create_account(session)
        addresses = create_ip_access_control_list(session, account.sid, "PBX")
        add_ip_address(session, addresses, "192.0.2.7", 24)
        with pytest.raises(DuplicateAddress, match=r"192\.0\.2\.0/24"):
            add_ip_address(session, addresses, "192.0.2.99", 24)
        add_ip_address(session, create_ip_access_control_list(session, account.sid, "two"), "192.0.2.7", 24)
        second = add_ip_address(session, addresses, "2001:db8::1")
        with pytest.raises(DuplicateAddress):
            change_ip_address(session, second, "192.0.2.1", 24)
        change_ip_address(session, second, "2001:DB8:0::1", 32)
        assert (second.ip_address, second.network) == ("2001:db8::1", "2001:db8::/32")
        change_ip_address(session, second, "2001:db8::2", 32)


def test_names_and_limits(database: Database):
    with database.write() as session:
        account = create_account(session)
        addresses = create_ip_access_control_list(session, account.sid, "PBX", most=1)
        with pytest.raises(LimitReached):
            create_ip_access_control_list(session, account.sid, "other", most=1)
        with pytest.raises(DuplicateFriendlyName):
            create_ip_access_control_list(session, account.sid, "PBX")
        rename_ip_access_control_list(session, addresses, "PBX")
        add_ip_address(session, addresses, "192.0.2.1", most=1)
        with pytest.raises(LimitReached):
            add_ip_address(session, addresses, "192.0.2.2", most=1)


def test_a_list_that_is_attached_stays(database: Database):
    with database.write() as session:
        account = create_account(session)
        trunk = create_trunk(session, account.sid)
        addresses = create_ip_access_control_list(session, account.sid, "")
        add_ip_address(session, addresses, "192.0.2.1")
        link = attach_ip_access_control_list(session, trunk, addresses)
        with pytest.raises(StillAttached, match=trunk.sid):
            delete_ip_access_control_list(session, addresses)
        session.delete(link)
        delete_ip_access_control_list(session, addresses)
        assert session.scalars(select(IpAddress)).all() == []
