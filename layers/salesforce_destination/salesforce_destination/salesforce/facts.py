"""Asking the org what a connection check has to know, with as few calls and as few rights as that takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salesforce_destination.connection.allowances import ApiCalls
from salesforce_destination.connection.comparison import OrgFacts
from salesforce_destination.errors import BadRequestError, RequestRefusedError
from salesforce_destination.record.description import read_description
from salesforce_destination.record.guards import ValidationRule, read_rules, rules_query
from salesforce_destination.record.salesforce_id import to_18
from salesforce_destination.salesforce.client import SalesforceClient

NOT_FOR_THIS_USER = (RequestRefusedError, BadRequestError)
"""How Salesforce answers who may not see the set-up: INVALID_TYPE, INSUFFICIENT_ACCESS, NOT_FOUND."""


class FactFinder:
    """Asks one org anew each time: what a check says has to be so now."""

    def __init__(self, client: SalesforceClient, api_version: str) -> None:
        self._client, self._root = client, f"/services/data/v{api_version}"

    def facts(self, sobject: str, *, rules: bool) -> OrgFacts:
        """What the org tells of an sObject, with `rules` or without; raise a DestinationError where it does not."""
        description = read_description(self._client.get(f"{self._root}/sobjects/{sobject}/describe"))
        return OrgFacts(description, self._rules(sobject) if rules else None, self._calls(), self._language())

    def sobjects(self) -> list[str]:
        """The names of all sObjects that the integration user can see."""
        answer = self._client.get(f"{self._root}/sobjects")
        return [str(found.get("name", "")) for found in answer.get("sobjects") or ()]

    def _rules(self, sobject: str) -> tuple[ValidationRule, ...] | None:
        answer = self._unless_refused("/tooling/query", {"q": rules_query(sobject)})
        return None if answer is None else read_rules(answer)

    def _language(self) -> str | None:
        """The integration user's; who the user is stands in the list of resources."""
        user = to_18(str((self._unless_refused("/") or {}).get("identity", "")).rpartition("/")[2])
        query = {"q": f"SELECT LanguageLocaleKey FROM User WHERE Id = '{user}'"}  # noqa: S608  # nosec B608
        rows = (user and self._unless_refused("/query", query)) or {}
        return next((str(row.get("LanguageLocaleKey") or "") for row in rows.get("records") or ()), None)

    def _calls(self) -> ApiCalls | None:
        """From /limits, which needs the right to see the set-up; else from the header that every answer carries."""
        answer = self._unless_refused("/limits") or {}
        daily = answer.get("DailyApiRequests") or {}
        if "Max" in daily and "Remaining" in daily:
            return ApiCalls(int(daily["Max"]) - int(daily["Remaining"]), int(daily["Max"]))
        usage = self._client.usage
        return ApiCalls(usage.used, usage.allowed) if usage else None

    def _unless_refused(self, path: str, parameters: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        try:
            answer = self._client.get(self._root + path, parameters)
        except NOT_FOR_THIS_USER:
            return None
        return answer if isinstance(answer, Mapping) else None
