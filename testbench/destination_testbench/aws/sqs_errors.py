"""What SQS answers when it refuses a call, as boto3 raises it."""

from __future__ import annotations

from botocore.exceptions import ClientError


def refused(operation: str, code: str, text: str, status: int = 400) -> ClientError:
    """The error of one call."""
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def unavailable(operation: str) -> ClientError:
    """The service is down for a while."""
    return refused(operation, "ServiceUnavailable", "The request has failed due to a temporary failure.", 503)


class EntryError(Exception):
    """What is wrong with one entry of a batch, or with a single call: its code, and a text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text

    def as_failed(self, entry_id: str) -> dict[str, object]:
        """As it stands in the `Failed` of a batch's answer."""
        return {"Id": entry_id, "SenderFault": True, "Code": self.code, "Message": self.text}
