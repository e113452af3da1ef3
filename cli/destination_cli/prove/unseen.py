"""Fields of a file that the user whose token was given may not write: nothing can be tried with them."""

from __future__ import annotations

from collections.abc import Sequence

from destination_cli.create_fields.needs import integration_set_name
from destination_cli.prove.fact import Trial, untried
from destination_cli.prove.stage import Stage


def unseen(stage: Stage, names: Sequence[str]) -> Trial:
    """
    Not tried, with what lets it be tried.

    A describe leaves out what its user may not see, so that a field that is not there looks the same.
    """
    return untried(
        f"this user may not write {', '.join(names)}: assign the permission set"
        f" {integration_set_name(stage.sobject)} to this user, or run it as the integration user"
        " (`destination create-fields` creates what is missing)"
    )
