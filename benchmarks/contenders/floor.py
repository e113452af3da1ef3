"""
The floor: the least that anything must do that sends the same bytes.

It parses each body with the fastest reader, takes values from where they are known to be, without looking whether they
are there or right, writes the same composite request, and reads the results. No mapping, no guard, no log.
"""

from __future__ import annotations

import http.client
import zlib
from typing import Any
from urllib.parse import urlsplit

import orjson

from benchmarks.answering.answers import TOKEN
from benchmarks.contenders.rows import row_maker
from benchmarks.events import Variant

RECORDS = 200
COLLECTIONS = 5
PATH = "/services/data/v66.0/composite"
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Content-Encoding": "gzip",
    "Accept-Encoding": "gzip",
}


class Floor:
    """Posts over one kept connection of the standard library's HTTP client."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(org_url).netloc)
        self._row = row_maker(variant)

    def deliver(self, event: dict[str, Any]) -> int:
        """Send a batch in one call."""
        loads, row = orjson.loads, self._row
        rows = []
        for message in event["Records"]:
            made = row(loads(message["body"]))
            rows.append({"attributes": {"type": "Contact"}, "id": made.pop("Id"), **made})
        body = orjson.dumps(request(rows))
        packing = zlib.compressobj(1, zlib.DEFLATED, 31)
        self._connection.request("POST", PATH, packing.compress(body) + packing.flush(), HEADERS)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            content = zlib.decompress(content, 31)
        replies = orjson.loads(content)["compositeResponse"]
        return sum(result["success"] for reply in replies for result in reply["body"])

    def finish(self) -> int:
        """Nothing was kept."""
        return 0


def request(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The composite request for so many rows."""
    return {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [
            {
                "method": "PATCH",
                "url": f"{PATH}/sobjects",
                "referenceId": f"collection{number}",
                "httpHeaders": {"Sforce-Auto-Assign": "FALSE"},
                "body": {"allOrNone": False, "records": rows[first : first + RECORDS]},
            }
            for number, first in enumerate(range(0, len(rows), RECORDS))
        ],
    }


def make(org_url: str, variant: Variant) -> Floor:
    """Make the contender."""
    return Floor(org_url, variant)
