"""A client of our own API, for the CLI and the demo: JSON in and out, one exception for each way to fail.

    with ApiClient("http://127.0.0.1:8080", account_sid, auth_token) as api:
        trunk = api.create_trunk(FriendlyName="Office", DomainName="office.pstn.twilio.com")
        for call in api.list("/trunkline/v1/Calls", most=20): ...

Parameters have their published names (`FriendlyName`). None is not sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

View = dict[str, Any]
"""A resource as the API shows it."""
Sent = Mapping[str, object]
LARGEST_PAGE = 1000


class ApiClientError(Exception):
    """Never raised itself."""


class ApiUnreachable(ApiClientError):
    """Nobody answers at the API's address, or not in time."""


class ApiRefused(ApiClientError):
    """The API refused; `code` is the published one."""

    def __init__(self, http_status: int, code: int, message: str, more_info: str | None = None) -> None:
        super().__init__(f"{message} ({code})")
        self.http_status = http_status
        self.code = code
        self.message = message
        self.more_info = more_info


class ApiClient:
    def __init__(self, base_url: str, account_sid: str, auth_token: str, *, timeout: float = 10.0) -> None:
        self.account_sid = account_sid
        # The environment's proxies are not for a server on loopback.
        self._http = httpx.Client(base_url=base_url, auth=(account_sid, auth_token), timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # Any resource

    def get(self, path: str, **params: object) -> View:
        """Raises ApiRefused, ApiUnreachable; so do all that follow."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, **params: object) -> View:
        return self._ask("POST", path, data=params)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def list(self, path: str, *, most: int | None = None, **filters: object) -> Iterator[View]:
        """The rows of a list of either family, page by page, newest first; `most` rows at most."""
        return self._rows(path, filters, most)

    def _rows(self, path: str, filters: Sent, most: int | None) -> Iterator[View]:
        size = LARGEST_PAGE if most is None else max(1, min(most, LARGEST_PAGE))
        rows, following = _page(self.get(path, PageSize=size, **filters))
        given = 0
        while True:
            for row in rows:
                if given == most:
                    return
                yield row
                given += 1
            if following is None or given == most:
                return
            rows, following = _page(self._ask("GET", following))

    # What the CLI and the demo need

    def account_path(self, rest: str) -> str:
        """`Calls.json` → `/2010-04-01/Accounts/AC…/Calls.json`"""
        return f"/2010-04-01/Accounts/{self.account_sid}/{rest}"

    def create_trunk(self, **params: object) -> View:
        return self.post("/v1/Trunks", **params)

    def add_origination_url(
        self, trunk_sid: str, sip_url: str, *, friendly_name: str, priority: int = 10, weight: int = 10
    ) -> View:
        return self.post(
            f"/v1/Trunks/{trunk_sid}/OriginationUrls",
            SipUrl=sip_url,
            FriendlyName=friendly_name,
            Priority=priority,
            Weight=weight,
            Enabled=True,
        )

    def create_credential_list(self, friendly_name: str) -> View:
        return self.post(self.account_path("SIP/CredentialLists.json"), FriendlyName=friendly_name)

    def add_credential(self, list_sid: str, username: str, password: str) -> View:
        path = self.account_path(f"SIP/CredentialLists/{list_sid}/Credentials.json")
        return self.post(path, Username=username, Password=password)

    def attach_credential_list(self, trunk_sid: str, list_sid: str) -> View:
        return self.post(f"/v1/Trunks/{trunk_sid}/CredentialLists", CredentialListSid=list_sid)

    def create_ip_access_control_list(self, friendly_name: str) -> View:
        return self.post(self.account_path("SIP/IpAccessControlLists.json"), FriendlyName=friendly_name)

    def add_ip_address(self, list_sid: str, ip_address: str, prefix_length: int | None, *, friendly_name: str) -> View:
        path = self.account_path(f"SIP/IpAccessControlLists/{list_sid}/IpAddresses.json")
        return self.post(path, IpAddress=ip_address, CidrPrefixLength=prefix_length, FriendlyName=friendly_name)

    def attach_ip_access_control_list(self, trunk_sid: str, list_sid: str) -> View:
        return self.post(f"/v1/Trunks/{trunk_sid}/IpAccessControlLists", IpAccessControlListSid=list_sid)

    def add_phone_number(self, phone_number: str, *, trunk_sid: str | None = None) -> View:
        path = self.account_path("IncomingPhoneNumbers.json")
        return self.post(path, PhoneNumber=phone_number, TrunkSid=trunk_sid)

    def declare_caller_id(self, phone_number: str, *, account_sid: str | None = None) -> View:
        """The platform account only."""
        return self.post("/trunkline/v1/CallerIds", PhoneNumber=phone_number, AccountSid=account_sid)

    def create_carrier(self, friendly_name: str, **params: object) -> View:
        """The platform account only, like targets and addresses."""
        return self.post("/trunkline/v1/Carriers", FriendlyName=friendly_name, **params)

    def add_carrier_target(self, carrier_sid: str, sip_uri: str, **params: object) -> View:
        return self.post(f"/trunkline/v1/Carriers/{carrier_sid}/Targets", SipUri=sip_uri, **params)

    def add_carrier_address(self, carrier_sid: str, network: str) -> View:
        return self.post(f"/trunkline/v1/Carriers/{carrier_sid}/Addresses", Network=network)

    def change_trunk_settings(self, trunk_sid: str, **params: object) -> View:
        """CallerIdPolicy, DefaultCallerId, DigestAlgorithm, SymmetricRtpEnabled."""
        return self.post(f"/trunkline/v1/Trunks/{trunk_sid}", **params)

    def call(self, sid: str) -> View:
        """All that is known of a call, its attempts and alerts with it."""
        return self.get(f"/trunkline/v1/Calls/{sid}")

    def calls(self, *, most: int = 50, **filters: str) -> Iterator[View]:
        """Newest first. Filters: `From`, `To`, `Status`, `SipCallId`."""
        return self._rows("/trunkline/v1/Calls", filters, most)

    def alerts(self, *, most: int = 50, **filters: str) -> Iterator[View]:
        return self._rows("/v1/Alerts", filters, most)

    def health(self) -> tuple[bool, View]:
        """Whether everything works, and the report. Raises ApiUnreachable."""
        response = self._send("GET", "/healthz", {}, {})
        return response.status_code == 200, dict(response.json())

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> View:
        response = self._send(method, path, _sent(params or {}), _sent(data or {}))
        if response.is_success:
            return dict(response.json()) if response.content else {}
        try:
            error = response.json()
            raise ApiRefused(response.status_code, int(error["code"]), str(error["message"]), error.get("more_info"))
        except (ValueError, KeyError, TypeError):
            message = f"{self._http.base_url} answers {response.status_code}, but not as a Trunkline API does"
            raise ApiUnreachable(message) from None

    def _send(self, method: str, path: str, params: dict[str, str], data: dict[str, str]) -> httpx.Response:
        try:
            return self._http.request(method, path, params=params or None, data=data or None)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiUnreachable(f"the API at {self._http.base_url} does not answer: {error}") from error


def _sent(params: Sent) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in params.items()
        if value is not None
    }


def _page(answer: View) -> tuple[list[View], str | None]:
    """Rows, and the path or URL of the next page."""
    if "meta" in answer:
        return answer[answer["meta"]["key"]], answer["meta"]["next_page_url"]
    (rows,) = (value for value in answer.values() if isinstance(value, list))
    return rows, answer["next_page_uri"]
