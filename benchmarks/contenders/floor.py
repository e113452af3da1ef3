"""The floor: the least that anything must do that sends the same bytes.

It reads each body with the fastest reader, into types that hold what is mapped and nothing else, takes values from
where they are known to be, without looking whether they are there or right, writes the same composite request, and
reads the results. No mapping, no guard, no log. Its process collects no garbage.
"""

from __future__ import annotations

import http.client
import ssl
import zlib
from operator import attrgetter
from types import GenericAlias
from typing import Any

import msgspec

from benchmarks.answering.answers import TOKEN
from benchmarks.contenders import RECORDS, certificate, netloc
from benchmarks.events import Variant

PATH = "/services/data/v66.0/composite"
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Content-Encoding": "gzip",
    "Accept-Encoding": "gzip",
}


def struct(name: str, /, **fields: Any) -> Any:
    """A type of these fields, the fastest that a reader can be given."""
    return msgspec.defstruct(name, list(fields.items()), gc=False)


def body_type(variant: Variant) -> Any:
    """What a body holds of this variant's mapped values."""
    membership = struct("Membership", status=str)
    named = [(field, membership, msgspec.field(name=audience)) for audience, field in variant.audiences.items()]
    memberships = msgspec.defstruct("Memberships", named, gc=False)
    name = struct("Name", lastName=str, firstName=str)
    identity = struct("Identities", crmID=GenericAlias(list, struct("Identity", id=str)))
    return struct(
        "Body",
        identityMap=identity,
        person=struct("Person", name=name),
        personalEmail=struct("Address", address=str),
        segmentMembership=struct("Namespaces", ups=memberships),
    )


def answer_type() -> Any:
    """What is read of an answer."""
    part = struct("Part", body=GenericAlias(list, struct("Result", success=bool)))
    return struct("Answer", compositeResponse=GenericAlias(list, part))


class Floor:
    """Posts over one kept connection of the standard library's HTTP client."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        host, trusted = netloc(org_url, variant), certificate(variant)
        self._connection = (
            http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=trusted))
            if trusted
            else http.client.HTTPConnection(host)
        )
        self._read_body = msgspec.json.Decoder(body_type(variant)).decode
        self._read_answer = msgspec.json.Decoder(answer_type()).decode
        self._write = msgspec.json.Encoder().encode
        self._memberships = attrgetter(*variant.audiences.values())
        fields = ("attributes", "id", "LastName", "FirstName", "Email", *variant.audiences.values())
        self._record = struct("Record", **dict.fromkeys(fields, Any))

    def deliver(self, event: dict[str, Any]) -> int:
        """Send a batch in one call."""
        read, memberships, record = self._read_body, self._memberships, self._record
        attributes, records = {"type": "Contact"}, []
        for message in event["Records"]:
            body = read(message["body"])
            name, statuses = body.person.name, [each.status for each in memberships(body.segmentMembership.ups)]
            identity, address = body.identityMap.crmID[0].id, body.personalEmail.address
            records.append(record(attributes, identity, name.lastName, name.firstName, address, *statuses))
        packing = zlib.compressobj(1, zlib.DEFLATED, 31)
        packed = packing.compress(self._write(request(records))) + packing.flush()
        self._connection.request("POST", PATH, packed, HEADERS)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            content = zlib.decompress(content, 31)
        return sum(result.success for part in self._read_answer(content).compositeResponse for result in part.body)

    def finish(self) -> int:
        """Nothing was kept."""
        return 0


def request(records: list[Any]) -> dict[str, Any]:
    """The composite request for so many records."""
    return {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [
            {
                "method": "PATCH",
                "url": f"{PATH}/sobjects",
                "referenceId": f"collection{number}",
                "httpHeaders": {"Sforce-Auto-Assign": "FALSE"},
                "body": {"allOrNone": False, "records": records[first : first + RECORDS]},
            }
            for number, first in enumerate(range(0, len(records), RECORDS))
        ],
    }
