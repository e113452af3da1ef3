"""A fact about Salesforce that this software rests on, what came of trying it, and what its answers say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from inspect import signature
from typing import Any

from salesforce_destination.record.classification import Meaning, RecordError, meaning_of, read_error

from destination_cli.create_fields.needs import set_name
from destination_cli.prove.stage import CollectionRefusedError, Stage

Json = Mapping[str, Any]


class Standing(StrEnum):
    """What came of a try."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNTRIED = "not tried"
    """The file does not rest on it, the org has nothing to try it with, or this user may not."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a try, and what was seen: our words and Salesforce's codes, never its texts."""

    standing: Standing
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact in one sentence, how it is tried, and what follows for the operator where it does not hold."""

    name: str
    sentence: str
    otherwise: str
    attempt: Callable[..., Trial]

    def tried(self, stage: Stage) -> Trial:
        """Try it, by the key if it takes one. A collection refused as a whole says that it does not hold."""
        key = [stage.fields.key] if "key" in signature(self.attempt).parameters else []
        if None in key:
            return untried("there is no unique external ID of type Text that this user may write")
        try:
            return self.attempt(stage, *key)
        except CollectionRefusedError as error:
            return fails(f"the whole collection is refused: {error}")


def fact(otherwise: str) -> Callable[[Callable[..., Trial]], Fact]:
    """Make a fact of what tries it, whose docstring is its sentence; `otherwise` follows where it does not hold."""
    return lambda attempt: Fact(attempt.__name__.replace("_", "-"), attempt.__doc__ or "", otherwise, attempt)


fails, untried = partial(Trial, Standing.FAILS), partial(Trial, Standing.UNTRIED)
"""The fact does not hold here; there was nothing to try it with."""


def holds_if(good: bool, seen: str) -> Trial:
    """The fact holds if this is so."""
    return Trial(Standing.HOLDS if good else Standing.FAILS, seen)


def errors_of(result: Json) -> tuple[RecordError, ...]:
    """The errors of one record's result."""
    return tuple(map(read_error, result.get("errors") or ()))


def meanings_of(result: Json) -> set[Meaning]:
    """What the deliver function would do about them."""
    return {meaning_of(error) for error in errors_of(result)}


def codes_of(*results: Json) -> str:
    """Their codes, for a person."""
    return ", ".join(sorted({error.code for result in results for error in errors_of(result)})) or "no error"


def unseen(stage: Stage, names: Sequence[str]) -> Trial:
    """Not tried, with what lets it be tried: a describe leaves out what its user may not see, as what is not there."""
    told = f"this user may not write {', '.join(names)}: assign the permission set"
    told += f" {set_name(stage.sobject, 'Integration')} to this user, or run it as the integration user"
    return untried(f"{told} (`destination create-fields` creates what is missing)")
