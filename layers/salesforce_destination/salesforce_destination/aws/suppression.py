"""Who is not written any more: people who asked to be erased, in an object of the stack's bucket.

Their identities stand there as the hashes of the log, so that the list tells nothing without the outcome key. No batch
is begun with a list that was read more than five minutes ago: what waits comes later, but who was written is back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import inf
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesforce_destination.aws.clients import AwsUnavailableError, ClientFactory, read_secret
from salesforce_destination.aws.outcome_log import hasher
from salesforce_destination.errors import TokenUnavailableError

OBJECT, UNAVAILABLE = "suppressed.json", "SUPPRESSION_LIST_UNAVAILABLE"
ASKED_FOR_AFTER_SECONDS, GOOD_FOR_SECONDS = 240.0, 300.0  # a short failure of S3 in between defers nothing

Person = dict[str, Any]
"""When somebody was suppressed (`at`, in ms), and the `hashes` of her identities."""


@dataclass(slots=True)
class SuppressionList:
    """The list as one process knows it; `now` is the time of day, as others stand still while Lambda freezes one."""

    s3: ClientFactory
    bucket: str
    secrets: ClientFactory
    key_secret_id: str
    now: Callable[[], float]
    people: Sequence[Person] = ()
    _hashes: AbstractSet[str] = frozenset()
    _hash: Callable[[str], str] | None = None
    _etag: str = ""
    _read_at: float = -inf

    def refreshed(self) -> Callable[[AbstractSet[str]], bool] | None:
        """Read the list where it is time; give `holds` if anybody is on it; raise TokenUnavailableError without one."""
        age = self.now() - self._read_at
        try:
            if not 0 <= age < ASKED_FOR_AFTER_SECONDS:
                self.read()
        except TokenUnavailableError:
            if not 0 <= age < GOOD_FOR_SECONDS:
                raise
        return self.holds if self._hashes else None

    def holds(self, keys: AbstractSet[str]) -> bool:
        """Whether the person with one of these keys is suppressed."""
        return any(self.hash(key) in self._hashes for key in keys)

    def hash(self, key: str) -> str:
        """What stands for an identity on the list."""
        self._hash = self._hash or hasher(read_secret(self.secrets, self.key_secret_id).encode())
        return self._hash(key)

    def read(self) -> None:
        """Read the list, unless it is the one that is known; one that nobody has written yet is empty."""
        now, known = self.now(), {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = self.s3().get_object(Bucket=self.bucket, Key=OBJECT, **known)
            self._take(json.loads(answer["Body"].read()), answer["ETag"])
        except (BotoCoreError, ClientError) as error:
            code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
            if code == "NoSuchKey":
                self._take({"people": []}, "")
            elif code not in ("304", "NotModified"):
                raise AwsUnavailableError(UNAVAILABLE, error) from None
        except (ValueError, KeyError, TypeError):
            raise TokenUnavailableError(UNAVAILABLE) from None
        self._read_at = now

    def write(self, people: Sequence[Person]) -> None:
        """Put another list in its place; botocore's ClientError where somebody else was faster, or S3 refuses."""
        listed = {"key": self.hash(""), "people": people}
        known = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        answer = self.s3().put_object(Bucket=self.bucket, Key=OBJECT, Body=json.dumps(listed).encode(), **known)
        self._take(listed, answer["ETag"])

    def _take(self, listed: Any, etag: str) -> None:
        hashes = {str(each) for person in listed["people"] if person["at"] for each in person["hashes"]}
        if hashes and listed["key"] != self.hash(""):
            self._hash = None  # the key may be another one by now
            if listed["key"] != self.hash(""):
                raise ValueError
        self.people, self._hashes, self._etag = listed["people"], hashes, etag
