from __future__ import annotations

import pytest
from destination_cli.org_api import OrgApi, OrgError
from salesforce_destination.login.token import AccessToken


def test_a_command_asks_the_org_by_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    api = OrgApi(AccessToken("00D!token", "https://acme.my.salesforce.com"), "66.0")

    with pytest.raises(OrgError, match="ProxyError"):
        api.ask("limits")
