"""One text with which Salesforce refuses records for a common cause, kept in a secret of its own.

It says what the code cannot, such as the rule's own words, and may echo a profile. So it goes into no log, and
`destination status` and `explain` show it to whoever may read the secret.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from salesforce_destination.aws.clients import ClientFactory, write_secret
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.errors import TokenUnavailableError
from salesforce_destination.outcome import Reason

WRITTEN_EVERY_SECONDS = 600.0  # Secrets Manager asks for no more writes over time ("Secrets Manager quotas")


@dataclass(slots=True)
class KeptRefusal:
    """Writes it, at most once in ten minutes, and clears it when its cause ends; what AWS refuses is only a warning."""

    secrets_client_factory: ClientFactory
    secret_id: str
    clock: Callable[[], float]
    _code: str = ""
    _not_before: float | None = None

    def follow(self, batch: Batch, logger: Logger, now_ms: int) -> None:
        """Keep what a batch met, or clear what it has ended."""
        refusal, now = batch.common_refusal, self.clock()
        if refusal and (self._not_before is None or now >= self._not_before):
            told = {"at": now_ms, "code": refusal.code, "text": refusal.text, "fields": refusal.fields}
            self._write(refusal.code, json.dumps(told), now, logger)
        elif not refusal and self._code in batch.ended_causes:
            self._write("", "{}", now, logger)

    def _write(self, code: str, text: str, now: float, logger: Logger) -> None:
        if not self.secret_id:
            return
        self._code, self._not_before = code, now + WRITTEN_EVERY_SECONDS
        try:
            for _ in range(1 if code else 2):  # Secrets Manager keeps the previous value as AWSPREVIOUS
                write_secret(self.secrets_client_factory, self.secret_id, text)
        except TokenUnavailableError as error:
            logger.warning("the text of a refusal cannot be kept", code=error.code)


def read_kept_refusal(secret: str) -> tuple[Reason, int] | None:
    """The refusal that a secret holds, and when it was met (ms); None where no cause is known."""
    kept = json.loads(secret or "{}")
    return (Reason(kept["code"], kept["text"], tuple(kept["fields"])), kept["at"]) if kept.get("code") else None
