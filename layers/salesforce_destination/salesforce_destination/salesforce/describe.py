"""What the org says of its sObjects, asked for once and kept for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from salesforce_destination.salesforce.client import SalesforceClient

if TYPE_CHECKING:
    from salesforce_destination.record.description import ObjectDescription

GOOD_FOR_SECONDS = 300.0
"""How long an answer is believed: a person who mends a field sees it taken up within five minutes."""


class Describer:
    """Describes the sObjects of one org; `clock` gives seconds that only go forward."""

    def __init__(self, client: SalesforceClient, api_version: str, clock: Callable[[], float]) -> None:
        self._client, self._path, self._clock = client, f"/services/data/v{api_version}/sobjects", clock
        self._known: dict[str, tuple[float, ObjectDescription]] = {}

    def describe(self, sobject: str) -> ObjectDescription:
        """Describe an sObject, from memory where that is recent enough; costs an API call where it is not."""
        from salesforce_destination.record.description import read_description  # a good batch asks for none

        now = self._clock()
        known = self._known.get(sobject)
        if known is None or now - known[0] > GOOD_FOR_SECONDS:
            known = now, read_description(self._client.get(f"{self._path}/{sobject}/describe"))
            self._known[sobject] = known
        return known[1]
