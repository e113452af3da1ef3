"""One environment of the deliver function: what functions/deliver/app.py assembles, in simulated surroundings."""

from __future__ import annotations

from typing import Any

from salesforce_destination.assembly import DELIVER_AFTERWORK_SECONDS, DeliverFunction, Surroundings
from salesforce_destination.aws.sqs_event import messages_in
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.ports import InProgressMarker
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.settings import Settings

from destination_testbench.template.parameters import Numbers

QUEUE, DEAD_LETTER_QUEUE, REFRESH_QUEUE = "queue", "dead-letters", "refresh.fifo"
TOKEN_SECRET, CREDENTIALS_SECRET = "access-token", "credentials"


class Environment:
    """What one environment keeps from invocation to invocation."""

    def __init__(self, around: Surroundings, numbers: Numbers, mapper: Mapper, marker: InProgressMarker) -> None:
        self._around, self._seconds = around, numbers.function_timeout_seconds - DELIVER_AFTERWORK_SECONDS
        self._function = DeliverFunction(settings_of(numbers), around, mapper, marker, "chaos")

    def invoke(self, event: dict[str, Any]) -> Batch:
        """Deliver the messages of an event and settle what was not delivered."""
        now_ms = int(self._around.now() * 1000)
        self._function.begin(self._seconds)
        return self._function.deliverer.deliver(messages_in(event, now_ms), now_ms)


def settings_of(numbers: Numbers) -> Settings:
    """The settings that template.yaml gives the functions, with the simulation's queues and secrets."""
    return Settings(
        credentials_secret_id=CREDENTIALS_SECRET,
        access_token_secret_id=TOKEN_SECRET,
        refresh_queue_url=REFRESH_QUEUE,
        queue_url=QUEUE,
        dead_letter_queue_url=DEAD_LETTER_QUEUE,
        redelivery_base_seconds=numbers.redelivery_base_seconds,
        redelivery_max_seconds=numbers.redelivery_max_seconds,
        give_up_after_seconds=numbers.give_up_after_seconds,
        visibility_timeout_seconds=numbers.visibility_timeout_seconds,
    )
