"""What became of each profile, in the log, so that a person can ask about one contact.

Each identity stands as a keyed hash (HMAC-SHA256), whose key lies in a secret of its own. Without it the log tells
nothing about anybody, even to who has the list of all customers. A million profiles cost 2 cents of CloudWatch Logs.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence

from aws_lambda_powertools import Logger

from salesforce_destination.aws.clients import ClientFactory, read_secret
from salesforce_destination.delivery.batch import NOT_REACHED, Batch
from salesforce_destination.errors import TokenUnavailableError
from salesforce_destination.outcome import DELIVERED, NOT_WRITTEN
from salesforce_destination.record.record import Update

IN_LINE = "profiles_by_outcome"  # where in a line of the log these outcomes stand
NOT_PERMITTED = "NOT_PERMITTED"  # behind the outcome of whom `only_if` keeps out; a delivered one was written as exited
HASH_LENGTH = 16  # 64 bits as hexadecimal: of 100 million identities hardly one shares the hash of the one asked for
MESSAGE_ID_LENGTH = 8  # the beginning of its first id, enough to find it in the sender's log and among dead letters
PROFILES_PER_LINE = 3_000  # CloudWatch Logs takes 256 KB in one event ("CloudWatch Logs quotas")
BLOCK_BYTES = 64  # of SHA-256
KEY_AGAIN_SECONDS = 900.0  # how long a key that could not be read is not asked for again


class OutcomeLog:
    """Says outcomes for the log, with a key read once from its secret; without it a warning is logged, no outcome."""

    def __init__(self, secrets_client_factory: ClientFactory, secret_id: str, clock: Callable[[], float]) -> None:
        self._factory, self._secret_id, self._clock = secrets_client_factory, secret_id, clock
        self._key: bytes | None = None
        self._not_before: float | None = None

    def lines(self, batch: Batch, logger: Logger) -> list[dict[str, list[str]]]:
        """What became of the profiles of a batch, for as many lines of the log as it takes.

        `{"rejected INVALID_EMAIL_ADDRESS": ["hash message-id event-time", ...]}`, event times in ms or `-`.
        """
        profiles = [update for update in batch.updates if update.key]
        key = self._read_key(logger) if profiles and logger.log_level <= logging.INFO else None
        if key is None:
            return []
        starts = range(0, len(profiles), PROFILES_PER_LINE)
        return [_by_outcome(batch, profiles[start : start + PROFILES_PER_LINE], key) for start in starts]

    def _read_key(self, logger: Logger) -> bytes | None:
        too_soon = self._not_before is not None and self._clock() < self._not_before
        if self._key is not None or not self._secret_id or too_soon:
            return self._key
        code = "OUTCOME_KEY_EMPTY"
        try:
            self._key = read_secret(self._factory, self._secret_id).encode() or None
        except TokenUnavailableError as error:
            code = error.code
        if self._key is None:
            self._not_before = self._clock() + KEY_AGAIN_SECONDS
            logger.warning("no outcomes are logged for now: the key of their hashes cannot be read", code=code)
        return self._key


def hasher(key: bytes) -> Callable[[str], str]:
    """HMAC-SHA256 (RFC 2104) of many identities, the key worked in once: the module hmac takes half as long again."""
    block = (key if len(key) <= BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))

    def hashed(identity: str) -> str:
        within, around = inner.copy(), outer.copy()
        within.update(identity.encode())
        around.update(within.digest())
        return around.hexdigest()[:HASH_LENGTH]

    return hashed


def _by_outcome(batch: Batch, updates: Sequence[Update], key: bytes) -> dict[str, list[str]]:
    delivered, others = list[str](), dict[str, list[str]]()
    hashed, event_time = hasher(key), batch.event_time
    left = {(place, n) for place, it in batch.exceptions.items() for n in (it.parts.names if it.parts else ())}
    ids = [(message.original_id or message.id)[:MESSAGE_ID_LENGTH] for message in batch.messages]
    for update in updates:
        entry = f"{hashed(update.key)} {ids[update.message]} {event_time(update) or '-'}"
        is_left = (update.message, update.profile) in left if left else False
        if update.outcome is DELIVERED and update.is_permitted and not is_left:
            delivered.append(entry)
        else:
            others.setdefault(_label(batch, update, is_left), []).append(entry)
    return {"delivered": delivered, **others} if delivered else others


def _label(batch: Batch, update: Update, is_left: bool) -> str:
    """What became of a profile that was not simply delivered; of one whose parts are left, what becomes of them.

    One that was not written shares the outcome of its message, waits or is given up with it, and keeps its own code.
    """
    outcome = update.outcome or NOT_REACHED
    if not is_left and outcome.kind not in NOT_WRITTEN:
        code = outcome.reason.code if outcome.reason else "" if update.is_permitted else NOT_PERMITTED
        return f"{outcome.kind.value} {code}".strip()
    delivery = batch.exceptions[update.message]
    told = delivery.outcome if delivery.outcome.kind in NOT_WRITTEN else delivery.parts_outcome or outcome
    reason = told.reason if is_left or delivery.profiles <= 1 else outcome.reason
    return f"{told.kind.value} {reason.code}" if reason else told.kind.value
