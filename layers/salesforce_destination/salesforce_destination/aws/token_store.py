"""The two secrets, seen from the two sides: one function writes them, all read.

Secrets Manager asks for no more than one write in ten minutes over time (its quotas page), which only one writer keeps.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from salesforce_destination.aws.clients import AwsUnavailableError, ClientFactory, failing_as, read_secret, write_secret
from salesforce_destination.errors import NO_ACCESS_TOKEN, NOT_CONNECTED, CredentialsError, TokenUnavailableError
from salesforce_destination.login.salesforce_host import check_instance_url
from salesforce_destination.login.token import MESSAGE_GROUP, AccessToken, RefreshRequest, is_unfilled, parse_object

PAID_UNTIL = "log_ins_paid_until"  # beside the token in its secret: what counted_log_in gave last


class RotationLostError(TokenUnavailableError):
    """Salesforce has replaced the refresh token, and the new one could not be stored.

    The environment that holds the new one stores it before anything else; if it ends first, a person has to act.
    """

    cure = (
        "If reason is AccessDeniedException, deploy with CredentialsRotate=true at once: the same instance may still"
        " store it. If that comes too late, authorise the app in Salesforce again and enter the new refresh_token."
    )

    def __init__(self, error: AwsUnavailableError) -> None:
        super().__init__("ROTATED_REFRESH_TOKEN_NOT_STORED")
        self.reason = error.reason


@dataclass
class TokenSource:
    """The access token, kept in memory and read again only when Salesforce refuses it.

    Every failure is a TokenUnavailableError: without a token no call to Salesforce is made and the messages wait. A
    token for a server that is not Salesforce's counts as none, whoever wrote it; `allow_local` admits this machine.
    """

    secrets_client_factory: ClientFactory
    sqs_client_factory: ClientFactory
    secret_id: str
    refresh_queue_url: str
    wait: float = 10.0
    poll_every: float = 0.5
    allow_local: bool = False
    sleep: Callable[[float], None] = sleep
    clock: Callable[[], float] = monotonic
    _token: AccessToken | None = field(default=None, init=False, repr=False)
    _lack: str = field(default=NO_ACCESS_TOKEN, init=False)

    def current(self) -> AccessToken:
        """The token to use now."""
        if self._token is None:
            self._token = self._read()
        if self._token is None:
            raise TokenUnavailableError(self._lack)
        return self._token

    @property
    def issued_at_ms(self) -> int | None:
        """When Salesforce issued the token that is in use, by its own clock; None where that is not known."""
        return self._token.issued_at_ms if self._token else None

    def replace(self, refused: AccessToken | None) -> AccessToken:
        """Get another token than the refused one (None: there was none), or raise TokenUnavailableError.

        If none is there already, the refresh function is asked, and has `wait` seconds. Without a queue nobody is.
        """
        self._token = None
        self._token = self._read_other(refused)
        if self._token is None and self.refresh_queue_url:
            self._ask(RefreshRequest.after_refusal(refused))
            give_up_at = self.clock() + self.wait
            while self._token is None and self.clock() < give_up_at:
                self.sleep(min(self.poll_every, self.wait))
                self._token = self._read_other(refused)
        if self._token is None:
            raise TokenUnavailableError(self._lack)
        return self._token

    def _read_other(self, refused: AccessToken | None) -> AccessToken | None:
        token = self._read()
        return None if token == refused else token  # the same again, issued anew, is another one: it is tried

    def _read(self) -> AccessToken | None:
        text = read_secret(self.secrets_client_factory, self.secret_id)
        self._lack = NOT_CONNECTED if is_unfilled(text) else NO_ACCESS_TOKEN
        if (token := AccessToken.from_secret(text)) is None:
            return None
        try:
            check_instance_url(token.instance_url, allow_local=self.allow_local)
        except CredentialsError as error:
            raise TokenUnavailableError(error.code) from None
        return token

    @failing_as("REFRESH_QUEUE_UNAVAILABLE")
    def _ask(self, request: RefreshRequest) -> None:
        self.sqs_client_factory().send_message(
            QueueUrl=self.refresh_queue_url,
            MessageBody=request.body,
            MessageGroupId=MESSAGE_GROUP,
            MessageDeduplicationId=request.deduplication_id,
        )


@dataclass
class TokenStore:
    """Both secrets, for the one function that writes them."""

    secrets_client_factory: ClientFactory
    credentials_secret_id: str
    access_token_secret_id: str
    sleep: Callable[[float], None] = sleep
    retry_after: tuple[float, ...] = (0.5, 1.0)
    _unsaved: tuple[str, str] | None = field(default=None, init=False, repr=False)
    _stored: Mapping[str, Any] = field(default_factory=dict, init=False, repr=False)

    def access_token(self) -> AccessToken | None:
        """The stored token; None where there is none yet."""
        text = read_secret(self.secrets_client_factory, self.access_token_secret_id)
        self._stored = parse_object(text) or {}
        return AccessToken.from_secret(text)

    def count_log_in(self, now: float) -> None:
        """Note a log-in beside the token that was read last; raise LoginUnavailableError where none may be made now."""
        from salesforce_destination.login.refusals import LoginUnavailableError  # for no other function
        from salesforce_destination.login.token import counted_log_in

        if (until := counted_log_in(self._stored.get(PAID_UNTIL), now)) is None:
            raise LoginUnavailableError(None, "LOG_INS_SPENT")
        self._stored = {**self._stored, PAID_UNTIL: until}
        write_secret(self.secrets_client_factory, self.access_token_secret_id, json.dumps(self._stored))

    def write_access_token(self, token: AccessToken) -> None:
        """Let every function have this token."""
        noted = {PAID_UNTIL: self._stored[PAID_UNTIL]} if PAID_UNTIL in self._stored else {}
        write_secret(self.secrets_client_factory, self.access_token_secret_id, token.to_secret(**noted))

    def credentials(self) -> str:
        """The text of the credentials secret; raise CredentialsError (NOT_CONNECTED) where nobody has ever filled it.

        A rotated refresh token that could not be stored before is stored now, unless a person has changed the secret.
        """
        text = read_secret(self.secrets_client_factory, self.credentials_secret_id)
        if is_unfilled(text) and not self._stored:  # each log-in is noted there
            raise CredentialsError("", "It was never filled.", "Run `destination connect --stack NAME`.", NOT_CONNECTED)
        unsaved, self._unsaved = self._unsaved, None
        if unsaved is None or unsaved[0] != text:
            return text
        self._write_rotated(*unsaved)
        return unsaved[1]

    def write_refresh_token(self, credentials: str, refresh_token: str) -> None:
        """Put a rotated refresh token into the credentials as they were read; raise RotationLostError if that fails."""
        from salesforce_destination.login.credentials import with_refresh_token  # no other function has credentials

        self._write_rotated(credentials, with_refresh_token(credentials, refresh_token))

    def _write_rotated(self, before: str, after: str) -> None:
        self._unsaved = (before, after)
        for pause in (*self.retry_after, None):
            try:
                write_secret(self.secrets_client_factory, self.credentials_secret_id, after)
            except AwsUnavailableError as error:
                if pause is None:
                    raise RotationLostError(error) from None
                self.sleep(pause)
            else:
                self._unsaved = None
                return
