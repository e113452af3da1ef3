"""What the org holds of one contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salesforce_destination.destination.destination import Destination
from salesforce_destination.mapping.mapper import IdentityReader
from salesforce_destination.record.description import read_description
from salesforce_destination.record.successor import quoted
from salesforce_destination.salesforce.client import SalesforceClient

ABOUT_THE_RECORD = (
    "Id",
    "IsDeleted",
    "MasterRecordId",
    "IsConverted",
    "ConvertedContactId",
    "LastModifiedDate",
    "CreatedDate",
)
"""What tells whether a record is still there, and what has taken its place."""

MOST_RECORDS = 5


def key_of(destination: Destination, identity: str) -> tuple[str, str]:
    """
    The key by which the log knows an identity, and the identity as the org is asked for it.

    Raises ProfileRefusedError for what can be no identity of this destination.
    """
    plain = destination.identity.model_copy(update={"source": "identity"})
    return IdentityReader(destination.model_copy(update={"identity": plain})).read({"identity": identity})


def records_of(client: SalesforceClient, destination: Destination, identity: str) -> list[dict[str, Any]]:
    """The records with this identity, those in the recycle bin too: their fields that the destination file names."""
    sobject, version = destination.salesforce_object, destination.api_version
    visible = read_description(client.get(f"/services/data/v{version}/sobjects/{sobject}/describe")).fields
    by = "Id" if destination.updates_by_id else destination.identity.target
    names = [name for name in dict.fromkeys([*ABOUT_THE_RECORD, by, *fields_of(destination)]) if name in visible]
    limit = ("LIMIT", str(MOST_RECORDS))
    soql = " ".join(["SELECT", ", ".join(names), "FROM", sobject, "WHERE", by, "=", quoted(identity), *limit])
    answer = client.get(f"/services/data/v{version}/queryAll", {"q": soql})
    return [_without_attributes(row) for row in answer["records"]]


def fields_of(destination: Destination) -> list[str]:
    """The fields that a destination writes: audiences first, since they are what is asked for."""
    audiences = [name for audience in destination.audiences for name in (audience.mapping_id, audience.since_field)]
    ordering = destination.ordering.field if destination.ordering else None
    found = [*audiences, ordering, *(mapping.target for mapping in destination.mappings)]
    return [name for name in dict.fromkeys(found) if name]


def _without_attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "attributes"}
