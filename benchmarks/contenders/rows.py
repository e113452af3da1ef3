"""From a parsed profile to the fields of its record, written by hand by one who knows that nothing is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from destination_testbench.demo.profiles import AUDIENCES

from benchmarks.events import WIDE_AUDIENCES, Variant

Json = Any


def row_maker(variant: Variant) -> Callable[[Json], dict[str, Json]]:
    """A function that makes rows of this variant's profiles, the fields in the order of the destination file."""
    audiences = tuple((AUDIENCES if variant is Variant.PLAIN else WIDE_AUDIENCES).items())

    def row(profile: Json) -> dict[str, Json]:
        name, memberships = profile["person"]["name"], profile["segmentMembership"]["ups"]
        made = {
            "Id": profile["identityMap"]["crmID"][0]["id"],
            "LastName": name["lastName"],
            "FirstName": name["firstName"],
            "Email": profile["personalEmail"]["address"],
        }
        for audience, field in audiences:
            made[field] = memberships[audience]["status"]
        return made

    return row
