"""What delivers the profiles: this project's function, what one would take instead, and the least that it takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from benchmarks.answering.answers import HOST
from benchmarks.events import Variant


@dataclass(frozen=True, slots=True)
class Description:
    """What a contender is called, in full and in a table, and what it leaves out of what this function does."""

    title: str
    short: str
    leaves_out: str
    messages_per_call: float


CONTENDERS: Mapping[str, Description] = {
    "floor": Description("floor", "floor", "everything but the request; no garbage collection", 1_000),
    "deliver": Description("this function", "this function", "nothing", 1_000),
    "collections": Description(
        "simple-salesforce, collections of 200",
        "collections",
        "checks, guards, merging, partial batch response, dead letters, log",
        200,
    ),
    "orjson": Description("collections with orjson", "with orjson", "as collections; digits of large numbers", 200),
    "composite": Description("collections, one composite call", "in one call", "as collections", 1_000),
    "bulk": Description("simple-salesforce, Bulk 2.0", "Bulk 2.0", "as collections; what each message became", 1e9),
    "single": Description("simple-salesforce, one by one", "one by one", "as collections", 1),
}
"""From the least to the most work."""

NAMES = tuple(CONTENDERS)
CHOICES = tuple(name for name in NAMES if name not in ("orjson", "composite"))
"""Those that are measured with slow orgs too; the two others tell what their library costs."""

RECORDS = 200
"""What a collection holds at most."""


class Contender(Protocol):
    """Takes batches, one after the other, and says how many messages were settled."""

    def deliver(self, event: dict[str, Any]) -> int:
        """Deliver a batch, or keep it for the end."""
        ...

    def finish(self) -> int:
        """Deliver what was kept."""
        ...


def contender(name: str, org_url: str, variant: Variant) -> Contender:
    """Make a contender; nothing of the others is imported."""
    if name == "floor":
        from benchmarks.contenders.floor import Floor

        return Floor(org_url, variant)
    if name == "deliver":
        from benchmarks.contenders.deliver import make

        return make(org_url, variant)
    from benchmarks.contenders.by_hand import BY_HAND

    return BY_HAND[name](org_url, variant)


def certificate(variant: Variant) -> str | None:
    """Whom a contender has to trust, or None where nothing is encrypted."""
    return os.environ["SSL_CERT_FILE"] if variant is Variant.TLS else None


def netloc(org_url: str, variant: Variant) -> str:
    """Where Salesforce's API is: with TLS under the name of an org, else where the org's process listens."""
    return HOST if variant is Variant.TLS else urlsplit(org_url).netloc
