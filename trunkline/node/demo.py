"""`trunkline up --demo`: an account with a trunk that works at once, the simulated carrier behind it, and a first call.

Everything here may run again: what is there is kept, what is missing is added. The password is known from `demo.json`
alone (the store keeps hashes), so without that file the credential gets a new one.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import asdict, dataclass, fields
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.node.home import write_private
from trunkline.node.ports import CARRIER_HOST
from trunkline.settings import Ports, Settings
from trunkline.store import accounts, carriers, credentials, phone_numbers, trunks
from trunkline.store.database import Database
from trunkline.store.models import (
    Account,
    CallerId,
    Carrier,
    Credential,
    CredentialList,
    PhoneNumber,
    Trunk,
    TrunkCredentialList,
)
from trunkline.testbench.numbers import ECHO_NUMBER

ACCOUNT_NAME = "Demo"
LABEL = "demo"
USERNAME = "demo"
NUMBERS = ("+15557770001", "+15557770002")
CALLER_ID = "+15557770100"
"""A number of somebody else's that the account has verified and may present."""
CARRIER_NAME = "Simulated carrier"


@dataclass(frozen=True, slots=True)
class Demo:
    """`demo.json`: what a program or a person needs to place a call through the demo trunk."""

    account_sid: str
    auth_token: str
    api_url: str
    console_url: str
    sip_host: str
    sip_port: int
    tls_port: int
    trunk_sid: str
    domain_name: str
    username: str
    password: str
    numbers: list[str]
    echo_number: str

    @classmethod
    def read(cls, settings: Settings) -> Self | None:
        """What an earlier start wrote; None when there is none, or not a whole one."""
        try:
            found = json.loads(settings.demo_file.read_text())
            return cls(**{field.name: found[field.name] for field in fields(cls)})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, settings: Settings) -> None:
        write_private(settings.demo_file, json.dumps(asdict(self), indent=2) + "\n")


def prepare(settings: Settings, ports: Ports, database: Database) -> Demo:
    """Make or complete the demo's rows, write `demo.json`. Raises StoreUnavailable, Refused."""
    before = Demo.read(settings)
    with database.write() as session:
        account = _account(session, before)
        trunk = _trunk(session, account, settings)
        password = _credential(session, account, trunk, settings, before)
        _numbers(session, account, trunk)
        _carrier(session, ports)
        demo = Demo(
            account_sid=account.sid,
            auth_token=account.auth_token,
            api_url=settings.api_url,
            console_url=f"{settings.api_url}/healthz",
            sip_host=settings.advertised_ip,
            sip_port=settings.sip_port,
            tls_port=settings.tls_port,
            trunk_sid=trunk.sid,
            domain_name=str(trunk.domain_name),
            username=USERNAME,
            password=password,
            numbers=list(NUMBERS),
            echo_number=ECHO_NUMBER,
        )
    demo.write(settings)
    return demo


def _account(session: Session, before: Demo | None) -> Account:
    """The demo's account may manage carriers, too: whoever tries a node wants to try all of it."""
    found = accounts.find_account(session, before.account_sid) if before is not None else None
    if found is None:
        named = select(Account).where(Account.friendly_name == ACCOUNT_NAME, Account.platform)
        found = session.scalars(named.where(Account.status == "active").limit(1)).first()
    return found or accounts.create_account(session, friendly_name=ACCOUNT_NAME, platform=True)


def _trunk(session: Session, account: Account, settings: Settings) -> Trunk:
    mine = select(Trunk).where(Trunk.account_sid == account.sid, Trunk.friendly_name == ACCOUNT_NAME).limit(1)
    found = session.scalars(mine).first()
    if found is not None and found.domain_name:
        return found
    taken = session.scalar(select(Trunk.sid).where(Trunk.domain_label == LABEL))
    label = LABEL if taken is None else f"{LABEL}-{secrets.token_hex(3)}"
    suffixes = settings.domain_suffixes
    domain = f"{label}.{suffixes[0]}"
    if found is not None:
        trunks.set_domain(session, found, domain, suffixes)
        return found
    return trunks.create_trunk(session, account.sid, domain_name=domain, suffixes=suffixes, friendly_name=ACCOUNT_NAME)


def _credential(session: Session, account: Account, trunk: Trunk, settings: Settings, before: Demo | None) -> str:
    """The password. A credential list of that name, attached to the trunk, with the demo's user in it."""
    named = select(CredentialList).where(
        CredentialList.account_sid == account.sid, CredentialList.friendly_name == ACCOUNT_NAME
    )
    listed = session.scalars(named.limit(1)).first()
    if listed is None:
        listed = credentials.create_credential_list(session, account.sid, ACCOUNT_NAME)
    if session.get(TrunkCredentialList, (trunk.sid, listed.sid)) is None:
        trunks.attach_credential_list(session, trunk, listed)
    mine = select(Credential).where(Credential.credential_list_sid == listed.sid, Credential.username == USERNAME)
    found = session.scalars(mine).first()
    known = before.password if before is not None and before.account_sid == account.sid else None
    if found is not None and known is not None:
        if found.ha1_sha256 != credentials.digest_ha1(USERNAME, settings.realm, known)[1]:
            credentials.set_password(found, known, settings.realm)
        return known
    password = new_password()
    if found is None:
        credentials.add_credential(session, listed, USERNAME, password, settings.realm)
    else:
        credentials.set_password(found, password, settings.realm)
    return password


def new_password() -> str:
    """20 letters and digits, with the upper case, lower case and digit that the API asks of passwords."""
    while True:
        password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))
        if all(any(map(kind, password)) for kind in (str.isupper, str.islower, str.isdigit)):
            return password


def _numbers(session: Session, account: Account, trunk: Trunk) -> None:
    for number in NUMBERS:
        found = session.scalars(select(PhoneNumber).where(PhoneNumber.phone_number == number)).first()
        if found is None:
            phone_numbers.add_phone_number(session, account.sid, number, trunk=trunk)
    mine = select(CallerId.sid).where(CallerId.account_sid == account.sid, CallerId.phone_number == CALLER_ID)
    if session.scalar(mine) is None:
        phone_numbers.add_caller_id(session, account.sid, CALLER_ID, friendly_name="Demo caller ID", verified=True)


def _carrier(session: Session, ports: Ports) -> None:
    """One carrier with one target: where the simulated one listens this time."""
    uri = f"sip:{CARRIER_HOST}:{ports.carrier};transport=udp"
    found = session.scalars(select(Carrier).where(Carrier.friendly_name == CARRIER_NAME).limit(1)).first()
    if found is None:
        found = carriers.create_carrier(session, CARRIER_NAME)
        carriers.add_carrier_address(session, found, CARRIER_HOST)
    targets = list(found.targets)
    if not targets:
        carriers.add_target(session, found, uri)
    elif targets[0].sip_uri != carriers.canonical_target(uri):
        targets[0].sip_uri = carriers.canonical_target(uri)
