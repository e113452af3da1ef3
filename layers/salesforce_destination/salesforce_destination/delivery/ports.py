"""What the delivery needs of the world around it: an org, two queues, and a note that outlives the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Protocol

from salesforce_destination.outcome import Delivery, Message
from salesforce_destination.record.composite import Collection, CollectionReply
from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import Move, Successor

if TYPE_CHECKING:
    from salesforce_destination.record.description import ObjectDescription


class Org(Protocol):
    """One Salesforce org. Every call raises a DestinationError where the request as a whole came to nothing."""

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send one composite request."""
        ...

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors of records that are not there any more, by their keys."""
        ...

    def query(self, queries: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Give the rows of up to five queries, deleted records among them."""
        ...

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Read fields of up to 2,000 records by their Ids; what is not there, or hidden, is left out."""
        ...

    def contact_of_lead(self) -> Callable[[str], Successor]:
        """Make successors of converted leads from the Ids of their contacts."""
        ...

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        """Describe an sObject, else the file's first; `anew` takes no earlier answer for it."""
        ...

    def is_nearly_full(self) -> bool:
        """Whether less than a tenth of the org's data storage is left."""
        ...

    def seconds_left(self) -> float:
        """How long requests may go out in this invocation."""
        ...

    def api_calls(self) -> int:
        """How many API calls went out so far, whatever came of them."""
        ...

    def api_usage_percent(self) -> float | None:
        """The share of the org's daily API calls that is spent, as the last answer told it."""
        ...


class InProgressMarker(Protocol):
    """What survives the end of a process: the id of the message it was working on."""

    def is_suspect(self, message_id: str) -> bool:
        """Whether an earlier process died over this message."""
        ...

    def mark(self, message_id: str) -> None:
        """Say which message is worked on now."""
        ...

    def clear(self) -> None:
        """Say that the work on messages is done."""
        ...


class DeadLetterQueue(Protocol):
    """Where rejected messages go."""

    def send(self, deliveries: Sequence[Delivery]) -> AbstractSet[str]:
        """Send these; give the ids of the messages that did not arrive."""
        ...


class OwnQueue(Protocol):
    """The queue that the messages came from, for messages of the function's own."""

    def send(self, deliveries: Sequence[Delivery], delays: Sequence[int]) -> AbstractSet[str]:
        """Send the `parts` of these, each to come after so many seconds; give the ids of those that did not arrive."""
        ...


class RedeliveryDelays(Protocol):
    """Where a deferred message is told when to come again."""

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        """Delay these by so many seconds; give the number of those that were not."""
        ...
