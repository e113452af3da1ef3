"""Whether the org keeps an older event from overwriting a newer one, as far as the file asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from salesforce_destination.connection.finding import Finding, note, warning
from salesforce_destination.record.guards import Guards, ValidationRule, stale_marker

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination


def guard_findings(destination: Destination, rules: Sequence[ValidationRule] | None) -> Iterator[Finding]:
    """Find the guards that lack their rule, and the audiences that lack a guard.

    `rules` is None where the integration user may not see any. That it sees none does not tell either: Salesforce may
    hide the set-up from it. So a rule is called missing only where others are seen.
    """
    guards = guard_fields(destination)
    yield from _unguarded(destination, bool(guards))
    if guards and not rules:
        yield _cannot_see(destination, guards)
        return
    for field, key in guards.items():
        yield from _rule(destination.salesforce_object, field, key, rules or ())


def guard_fields(destination: Destination) -> dict[str, str]:
    """The fields that guard, each with its key in the file."""
    guards = {destination.ordering.field: "ordering.field"} if destination.ordering else {}
    for place, audience in enumerate(destination.audiences):
        if audience.since_field:
            guards.setdefault(audience.since_field, f"audiences[{place}].since_field")
    return guards


def _unguarded(destination: Destination, guards_others: bool) -> Iterator[Finding]:
    guarded = Guards.of(destination).guard_of
    bare = [(place, found) for place, found in enumerate(destination.audiences) if found.mapping_id not in guarded]
    if not bare:
        return
    if not guards_others:
        names = ", ".join(audience.name or audience.mapping_id for _, audience in bare)
        problem = f"An event that comes late can overwrite a newer one, for example in the audiences {names}."
        cure = "since_field and [ordering] prevent this: see docs/destination-file.md."
        yield note("ordering", "", problem, cure)
        return
    for place, audience in bare:
        problem = f"An older event of {audience.name or audience.mapping_id} can overwrite a newer one."
        cure = (
            "Create a Date/Time field with its rule (`destination create-fields` does this) and set it as since_field."
        )
        yield warning(f"audiences[{place}].since_field", audience.mapping_id, problem, cure)


def _cannot_see(destination: Destination, guards: dict[str, str]) -> Finding:
    sobject = destination.salesforce_object
    problem = (
        f"The validation rules for {', '.join(guards)} cannot be checked: the integration user sees no rules of"
        f" {sobject}. It may lack the right to view the setup."
    )
    cure = (
        f"Ask an administrator to look at Setup > Object Manager > {sobject} > Validation Rules: each must be active"
        f" and have its marker in the error message, such as {stale_marker(next(iter(guards)))}."
    )
    return note(next(iter(guards.values())), "", problem, cure)


def _rule(sobject: str, field: str, key: str, rules: Sequence[ValidationRule]) -> Iterator[Finding]:
    ours = [rule for rule in rules if rule.guards(field)]
    where = f"Setup > Object Manager > {sobject} > Validation Rules"
    if not ours:
        problem = f"No validation rule of {sobject} has {stale_marker(field)} in its error message."
        cure = f"Without it, older events overwrite newer ones. `destination create-fields` creates it, in {where}."
        yield warning(key, field, problem, cure)
    elif not any(rule.active for rule in ours):
        problem = f"The validation rule {ours[0].name} is not active, so older events overwrite newer ones."
        yield warning(key, field, problem, f"Activate it in {where}.")
