"""Asking the org what a connection check has to know, with as few calls and as few rights as that takes."""

from collections.abc import Iterable, Mapping
from typing import Any

from salesforce_destination.connection.comparison import OrgFacts, guard_fields
from salesforce_destination.connection.field_fit import Known, relationship
from salesforce_destination.destination.destination import MOST_AUDIENCE_FIELDS, CampaignName, Destination
from salesforce_destination.errors import BadRequestError, RequestRefusedError
from salesforce_destination.record.classification import ApiCalls
from salesforce_destination.record.composite import rows_in
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.guards import ValidationRule, read_rules, rules_query
from salesforce_destination.record.record import to_18
from salesforce_destination.record.successor import queries_by, quoted
from salesforce_destination.salesforce.client import SalesforceClient

NOT_FOR_THIS_USER = (RequestRefusedError, BadRequestError)
"""How Salesforce answers who may not see the set-up: INVALID_TYPE, INSUFFICIENT_ACCESS, NOT_FOUND."""


class FactFinder:
    """Asks one org anew each time: what a check says has to be so now."""

    def __init__(self, client: SalesforceClient, api_version: str) -> None:
        self._client, self._root = client, f"/services/data/v{api_version}"

    def describe(self, sobject: str) -> ObjectDescription:
        """Describe an sObject; raise a DestinationError where the org does not."""
        return read_description(self._client.get(f"{self._root}/sobjects/{sobject}/describe"))

    def facts(self, destination: Destination, described: Known) -> OrgFacts:
        """What the org tells beside the describes of the file's sObjects, as far as the file needs it."""
        identity, created = self._unless_refused("/") or {}, destination.creates
        user = to_18(str(identity.get("identity", "")).rpartition("/")[2]) or ""
        limits = self._unless_refused("/limits") or {}
        asks = len(destination.audiences) > MOST_AUDIENCE_FIELDS
        edition = self._first("OrganizationType", "Organization").get("OrganizationType") if asks else None
        free, whole = (limits.get("DataStorageMB", {}).get(name) for name in ("Remaining", "Max"))
        campaigns = [each.campaign for each in destination.audiences if each.campaign]
        rows = [destination.memberships.object] if destination.memberships else []
        # A query with a column that the user may not see is refused whole.
        columns = ["LanguageLocaleKey"] + ["UserPermissionsMarketingUser"] * bool(campaigns)
        own = {name: self._first(name, "User", f"Id = '{user}'").get(name) for name in columns if user}
        guarded = rows + [name for name in destination.objects if guard_fields(destination.of(name))]
        return OrgFacts(
            {**described, **self._others(destination, described, ["CampaignMember"] * bool(campaigns) + rows)},
            {name.lower(): self._rules(name) for name in guarded},
            *self._rights(user, destination),
            self._duplicate_rules(created) if created and destination.duplicate_rules == "obey" else None,
            self._calls(limits),
            None if free is None else int(free),
            own.get("LanguageLocaleKey"),
            edition and str(edition).partition(" ")[0],
            None if whole is None else int(whole),
            own.get("UserPermissionsMarketingUser"),
            self._statuses(campaigns),
        )

    def _statuses(self, campaigns: Iterable[str | CampaignName]) -> list[Mapping[str, Any]]:
        named = (("CampaignId", each) if isinstance(each, str) else ("Campaign.Name", each.name) for each in campaigns)
        columns = "CampaignId", "Campaign.Name", "Label"
        queries = queries_by("CampaignMemberStatus", columns, ((field, quoted(text)) for field, text in named))
        answers = [self._unless_refused("/query", {"q": soql}) for soql in queries]
        return [row for answer in answers if answer for row in rows_in(answer)]

    def sobjects(self) -> list[str]:
        """The names of all sObjects that the integration user can see."""
        answer = self._client.get(f"{self._root}/sobjects")
        return [str(found.get("name", "")) for found in answer.get("sobjects") or ()]

    def _others(self, destination: Destination, described: Known, names: list[str]) -> dict[str, ObjectDescription]:
        found: dict[str, ObjectDescription] = {}
        for one in destination.by_object:
            targets = (mapping.target for mapping in one.mappings if "." in mapping.target)
            names += [relationship(target, described[one.salesforce_object.lower()])[1] for target in targets]
        for name in names:
            if name and name.lower() not in found.keys() | described.keys():
                answer = self._unless_refused(f"/sobjects/{name}/describe")
                found[name.lower()] = read_description(answer or {"name": name})
        return found

    def _rules(self, sobject: str) -> tuple[ValidationRule, ...] | None:
        answer = self._unless_refused("/tooling/query", {"q": rules_query(sobject)})
        return None if answer is None else read_rules(answer)

    def _first(self, columns: str, sobject: str, where: str = "") -> Mapping[str, Any]:
        return next(iter(self._rows(columns, sobject, where) or ()), {})

    def _rights(self, user: str, destination: Destination) -> tuple[frozenset[str] | None, bool | None]:
        """By the user's own permissions, which every user may read, and by permission sets, which few may."""
        names = ["AllowViewEditConvertedLeads"] if "Lead" in destination.objects else []
        names += ["ViewAllData", "ViewSetup"] if destination.creates else []
        columns = ", ".join(f"Permissions{name}" for name in names)
        own = self._first(columns, "UserPermissionAccess") if names else {}
        sees_all = None
        if own.get("PermissionsViewAllData"):
            sees_all = frozenset(map(str.lower, destination.objects))
        elif own.get("PermissionsViewSetup"):
            sees_all = self._seen_whole(user, destination.objects)
        return sees_all, own.get("PermissionsAllowViewEditConvertedLeads")

    def _seen_whole(self, user: str, sobjects: Iterable[str]) -> frozenset[str] | None:
        of_user = f"SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{user}'"  # noqa: S608  # nosec B608
        names = ", ".join(f"'{name}'" for name in sobjects)
        where = f"SobjectType IN ({names}) AND ParentId IN ({of_user})"
        rows = self._rows("SobjectType, PermissionsViewAllRecords", "ObjectPermissions", where)
        # A user who may read records has a row for them, so that no row at all is an answer that was kept back.
        seen = (str(row.get("SobjectType")).lower() for row in rows or () if row.get("PermissionsViewAllRecords"))
        return frozenset(seen) if rows else None

    def _duplicate_rules(self, sobject: str) -> tuple[str, ...] | None:
        rows = self._rows("DeveloperName", "DuplicateRule", f"IsActive = TRUE AND SobjectType = '{sobject}'")
        return None if rows is None else tuple(sorted(str(row.get("DeveloperName")) for row in rows))

    def _calls(self, limits: Mapping[str, Any]) -> ApiCalls | None:
        """From /limits, which needs the right to see the set-up; else from the header that every answer carries."""
        daily = limits.get("DailyApiRequests") or {}
        if "Max" in daily and "Remaining" in daily:
            return ApiCalls(int(daily["Max"]) - int(daily["Remaining"]), int(daily["Max"]))
        return self._client.usage

    def _rows(self, columns: str, sobject: str, where: str = "") -> list[Mapping[str, Any]] | None:
        # Names in a destination file have letters, digits and underscores only, and so have Ids.
        soql = f"SELECT {columns} FROM {sobject}" + (where and f" WHERE {where}")  # noqa: S608  # nosec B608
        answer = self._unless_refused("/query", {"q": soql})
        return None if answer is None else [row for row in answer.get("records") or () if isinstance(row, Mapping)]

    def _unless_refused(self, path: str, parameters: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        try:
            answer = self._client.get(self._root + path, parameters)
        except NOT_FOR_THIS_USER:
            return None
        return answer if isinstance(answer, Mapping) else None
