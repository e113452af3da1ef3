"""The AWS of a simulation: three queues, two secrets, and clients for them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from destination_testbench.aws.fifo import FifoQueue
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.aws.secrets import SimulatedSecrets
from destination_testbench.aws.sqs import AnyQueue, SimulatedSqs
from destination_testbench.chaos.aws_faults import AwsMishaps
from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import (
    CREDENTIALS_SECRET,
    DEAD_LETTER_QUEUE,
    QUEUE,
    REFRESH_QUEUE,
    TOKEN_SECRET,
)
from destination_testbench.template.numbers import Numbers

REFRESH = QueueConfig(visibility_seconds=60, retention_seconds=600)
"""As template.yaml sets the refresh queue."""

CREDENTIALS = {
    "grant_type": "client_credentials",
    "domain": "acme",
    "client_id": "local-client-id",
    "client_secret": "local-client-secret",
}


@dataclass(slots=True)
class Cloud:
    """The queues and secrets of one stack."""

    clock: SimulatedClock
    queue_config: QueueConfig
    draw: random.Random
    mishaps: AwsMishaps = field(init=False)
    queue: StandardQueue = field(init=False)
    dead_letters: StandardQueue = field(init=False)
    sqs: SimulatedSqs = field(init=False)
    secrets: SimulatedSecrets = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock.now
        self.mishaps = AwsMishaps(now)
        letters = QueueConfig(retention_seconds=self.queue_config.retention_seconds)
        self.queue = StandardQueue(QUEUE, self.queue_config, now, self._draw())
        self.dead_letters = StandardQueue(DEAD_LETTER_QUEUE, letters, now, self._draw())
        self.queue.dead_letters = self.dead_letters
        refresh = FifoQueue(REFRESH_QUEUE, REFRESH, now, self._draw())
        queues: dict[str, AnyQueue] = {QUEUE: self.queue, DEAD_LETTER_QUEUE: self.dead_letters, REFRESH_QUEUE: refresh}
        self.sqs = SimulatedSqs(queues, self.mishaps)
        self.secrets = SimulatedSecrets({TOKEN_SECRET: "{}", CREDENTIALS_SECRET: json.dumps(CREDENTIALS)}, self.mishaps)

    def _draw(self) -> random.Random:
        return random.Random(self.draw.random())


def queue_config(numbers: Numbers, duplicates: float) -> QueueConfig:
    """The queue as the template sets it."""
    return QueueConfig(
        numbers.visibility_timeout_seconds, numbers.retention_seconds, numbers.max_receive_count, duplicates=duplicates
    )
