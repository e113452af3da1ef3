"""The one place that puts the parts together: for the functions, for the simulations and for the tests.

A part is made on first use and kept for the next invocation. What surrounds a function comes in as Surroundings: on
Lambda the real thing, in a simulation a model of it. So what a simulation proves is proved of what is deployed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import requests

from salesforce_destination.aws.dead_letters import DeadLetters, OwnMessages
from salesforce_destination.aws.kept_refusal import KeptRefusal
from salesforce_destination.aws.outcome_log import OutcomeLog
from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE, VisibilityTimeouts
from salesforce_destination.aws.suppression import SuppressionList
from salesforce_destination.aws.token_store import TokenSource, TokenStore
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.ports import InProgressMarker
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.salesforce.org import SalesforceOrg

if TYPE_CHECKING:
    from salesforce_destination.connection.check import Connection
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.login.token import RefreshRequest
    from salesforce_destination.mapping.mapper import Mapper
    from salesforce_destination.settings import Settings

DELIVER_AFTERWORK_SECONDS = 20.0  # kept free at the end of a delivery for dead letters and delays
LAST_SECONDS = 8.0  # of those, in which no call to SQS begins: an invocation that is ended sends its dead letters twice
CHECK_AFTERWORK_SECONDS = 5.0  # kept free at the end of a connection check for the report

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a function finds around it."""

    session: requests.Session  # carries requests to Salesforce
    secrets: Callable[[], Any]  # makes or gives the AWS client, as does the next
    sqs: Callable[[], Any]
    monotonic: Clock = time.monotonic  # seconds that only go forward
    now: Clock = time.time  # seconds since 1970
    sleep: Callable[[float], None] = time.sleep
    random: Clock = random.random
    calls_at_once: int = CALLS_AT_ONCE  # that SQS gets
    s3: Callable[[], Any] = lambda: None  # for who has a bucket


class ConnectedFunction:
    """What the deliver and the check function share: an org, reached with a token, until a deadline."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self.settings, self.surroundings, self.deadline = settings, around, 0.0
        ids, is_local = (settings.access_token_secret_id, settings.refresh_queue_url), settings.aws_sam_local
        self.tokens = TokenSource(
            around.secrets, around.sqs, *ids, allow_local=is_local, sleep=around.sleep, clock=around.monotonic
        )
        self.client = SalesforceClient(around.session, self.tokens, self.seconds_left, around.now, around.monotonic)

    def seconds_left(self) -> float:
        """What remains for Salesforce before the invocation's end."""
        return self.deadline - self.surroundings.monotonic()

    def begin(self, seconds: float) -> None:
        """Begin an invocation that may call Salesforce for this long from now on."""
        self.deadline, self.client.slowest_seconds = self.surroundings.monotonic() + seconds, None

    def token_age_seconds(self) -> float | None:
        """How long ago Salesforce issued the token in use; None where that is not known."""
        issued_at = self.tokens.issued_at_ms
        return None if issued_at is None else self.surroundings.now() - issued_at / 1000


class DeliverFunction(ConnectedFunction):
    """What the deliver function keeps from invocation to invocation."""

    def __init__(
        self, settings: Settings, surroundings: Surroundings, mapper: Mapper, marker: InProgressMarker, name: str
    ) -> None:
        super().__init__(settings, surroundings)
        clock, most = surroundings.monotonic, settings.collections_per_request
        sqs = surroundings.sqs, self._sqs_seconds_left, surroundings.calls_at_once
        delays = settings.redelivery_base_seconds, settings.redelivery_max_seconds
        self.outcome_log = OutcomeLog(surroundings.secrets, settings.outcome_key_secret_id, clock)
        self.kept_refusal = KeptRefusal(surroundings.secrets, settings.refusal_secret_id, clock)
        self.deliverer = Deliverer(
            mapper,
            SalesforceOrg(self.client, mapper.destination, self.seconds_left, clock),
            Memory(clock, most, most),
            marker,
            DeadLetters(*sqs, settings.dead_letter_queue_url, name),
            VisibilityTimeouts(*sqs, settings.queue_url),
            OwnMessages(*sqs, settings.queue_url),
            Backoff(*delays, settings.visibility_timeout_seconds, surroundings.random),
            Limits(settings.records_per_collection, settings.api_usage_ceiling_percent, settings.give_up_after_seconds),
        )
        if bucket := settings.suppression_bucket:
            key = surroundings.secrets, settings.outcome_key_secret_id
            self.deliverer.suppression = SuppressionList(surroundings.s3, bucket, *key, surroundings.now).refreshed

    def _sqs_seconds_left(self) -> float:
        return self.seconds_left() + DELIVER_AFTERWORK_SECONDS - LAST_SECONDS


class CheckConnectionFunction(ConnectedFunction):
    """What the check-connection function keeps from invocation to invocation."""

    def __init__(self, settings: Settings, surroundings: Surroundings, destination: Destination) -> None:
        super().__init__(settings, surroundings)
        self.destination = destination

    def checked(self) -> Connection:
        """Compare the destination file with the org as it is now, and sweep the rows of its memberships."""
        from salesforce_destination.connection.check import check_connection  # not for the other functions to load
        from salesforce_destination.connection.sweep import swept
        from salesforce_destination.salesforce.facts import FactFinder

        connection = check_connection(self.destination, FactFinder(self.client, self.destination.api_version))
        org = SalesforceOrg(self.client, self.destination, self.seconds_left, self.surroundings.monotonic)
        return swept(connection, self.destination, org.query, org.send, self.surroundings.now())


class RefreshTokenFunction:
    """What the refresh-token function keeps: both secrets' store, with a refresh token that could not be stored yet."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings, self._surroundings = settings, surroundings
        ids = settings.credentials_secret_id, settings.access_token_secret_id
        self._store = TokenStore(surroundings.secrets, *ids, sleep=surroundings.sleep)

    def refresh(self, request: RefreshRequest) -> bool:
        """Log in and store the token; tell whether that was needed."""
        from salesforce_destination.login.refresh import refresh  # not for the other functions to load
        from salesforce_destination.salesforce.oauth import log_in, use

        session, now = self._surroundings.session, self._surroundings.now()
        calls = partial(log_in, session, now=now), partial(use, session)
        is_local, may_write = self._settings.aws_sam_local, self._settings.credentials_rotate
        return refresh(request, self._store, *calls, now, allow_local=is_local, may_write=may_write)
