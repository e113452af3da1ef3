"""Users of the org, and the apps they log in through."""

from __future__ import annotations

from dataclasses import dataclass, field

from destination_testbench.org.records.record_id import record_id

INTEGRATION_USER = record_id("005", 1)
ADMIN_USER = record_id("005", 2)


@dataclass(slots=True)
class User:
    """One who can log in.

    `admin` may change the org's metadata, and sees every object; `custom_permissions` is what `$Permission` answers in
    formulas beside the permission sets. The profile of a `minimal` user (Minimum Access) gives nothing: what it may see
    and write comes from permission sets alone. `views_all_data`, `views_setup` and
    `edits_converted_leads` are rights by the profile of another user.
    """

    id: str
    username: str
    password: str
    security_token: str
    admin: bool = False
    minimal: bool = False
    active: bool = True
    api_enabled: bool = True
    password_expired: bool = False
    edits_converted_leads: bool = False
    views_all_data: bool = True
    views_setup: bool = True
    custom_permissions: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The last name under which it stands in the User object."""
        return "Administrator" if self.admin else "Integration"


@dataclass(slots=True)
class ConnectedApp:
    """An app that users log in through.

    `run_as` is the user of the client-credentials flow, None when no one is set; `public_key` verifies JWT assertions;
    `approved` tells whether its users are pre-authorised; `blocked`, whether an administrator has blocked it for all;
    `api_allowed`, whether API Access Control, which is off in most orgs, lets it in.
    """

    client_id: str = "local-client-id"
    client_secret: str = "local-client-secret"
    run_as: str | None = INTEGRATION_USER
    public_key: str | None = None
    approved: bool = True
    client_credentials: bool = True
    blocked: bool = False
    api_allowed: bool = True
    scope: str = "api refresh_token"


def default_users() -> list[User]:
    """The integration user that deliveries run as, and an administrator."""
    return [
        User(INTEGRATION_USER, "integration@example.com", "local-password", "local-security-token"),
        User(ADMIN_USER, "admin@example.com", "admin-password", "admin-security-token", admin=True),
    ]
