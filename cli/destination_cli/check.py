"""`destination check`: what a destination file will send where, and what does not fit the org."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from salesforce_destination.connection.allowances import audience_room, long_text_room
from salesforce_destination.connection.check import Connection, check_connection
from salesforce_destination.connection.comparison import compare
from salesforce_destination.connection.finding import Finding
from salesforce_destination.destination.destination import Destination
from salesforce_destination.errors import DestinationFileError, Mistake, TokenUnavailableError
from salesforce_destination.record.description import read_description
from salesforce_destination.salesforce.facts import FactFinder
from salesforce_destination.settings import load_destination

from destination_cli.login_cause import login_cause
from destination_cli.published import Published, published
from destination_cli.target import Target

GOOD, FINDINGS, COULD_NOT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Report:
    """
    What was found about one file: mistakes in it, and how it fits the org, where one was asked.

    `published` tells by which version of the file the stack delivers, where that is known.
    """

    file: Path
    destination: Destination | None
    mistakes: Sequence[Mistake] = ()
    findings: Sequence[Finding] = ()
    connection: Connection | None = None
    org: str = ""
    published: Published | None = None

    @property
    def is_good(self) -> bool:
        """Whether profiles can be delivered as the file says."""
        found = self.connection or Connection(tuple(self.findings))
        return not self.mistakes and found.is_good

    @property
    def exit_status(self) -> int:
        """What the command ends with."""
        if self.is_good:
            return GOOD
        return FINDINGS if self.mistakes or self.connection is None or self.connection.is_known else COULD_NOT

    def as_json(self) -> str:
        """The report for programs."""
        content: dict[str, Any] = {
            "file": str(self.file),
            "good": self.is_good,
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
            "findings": [asdict(finding) for finding in self.findings],
        }
        if self.connection is not None:
            content |= {"connected": self.connection.is_good, "org": self.org}
            content["published"] = asdict(self.published) if self.published else None
        return json.dumps(content, indent=2)


def judge(file: Path, describe: Path | None = None, target: Target | None = None) -> Report:
    """Read a file, and compare it with a saved describe or with the org of a stack, where there is one."""
    try:
        destination = load_destination(file)
    except DestinationFileError as error:
        return Report(file, None, error.mistakes)
    if target is not None:
        return _judge_connected(file, destination, target)
    if describe is None:
        return Report(file, destination)
    description = read_description(json.loads(describe.read_text(encoding="utf-8")))
    findings = [*compare(destination, description), audience_room(destination), *long_text_room(description)]
    return Report(file, destination, findings=findings)


def _judge_connected(file: Path, destination: Destination, target: Target) -> Report:
    connection = check_connection(destination, FactFinder(target.salesforce(renew=True), destination.api_version))
    if any(finding.key == "credentials" for finding in connection.findings) and (cause := login_cause(target)):
        connection = replace(connection, findings=(cause, *connection.findings[1:]))
    return Report(
        file,
        destination,
        findings=connection.findings,
        connection=connection,
        org=_org(target),
        published=published(target, file),
    )


def _org(target: Target) -> str:
    try:
        return target.stored_token().current().instance_url
    except TokenUnavailableError:
        return ""
