"""What the file maps and no profile has: counted by the deliver function, told by `status`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import LOYAL, a_message, a_profile
from deliver_function import ROOT, DeliverStack
from destination_cli.status import StackStatus, status_of
from moto import mock_aws
from operated_stack import OperatedStack

NEWSLETTER, TRIAL = "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae", "947c1c46-008d-40b0-92ec-3af86eaf41c1"
CONTACTS = (ROOT / "layers" / "destinations" / "contacts.toml").read_text(encoding="utf-8")
ALL = {LOYAL: "realized", NEWSLETTER: "exited", TRIAL: "existing"}


@pytest.fixture
def operated() -> Iterator[OperatedStack]:
    with mock_aws():
        yield OperatedStack()


@pytest.fixture
def deliver(operated: OperatedStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeliverStack:
    operated.secrets.delete_secret(SecretId=operated.token_id, ForceDeleteWithoutRecovery=True)  # it makes its own
    return DeliverStack(monkeypatch, destination_file=tmp_path / "contacts.toml", contacts=600)


def told(
    operated: OperatedStack, deliver: DeliverStack, capsys: pytest.CaptureFixture[str], file: str, *batches: int
) -> StackStatus:
    """Deliver batches of so many profiles by a file, and ask for the status as of a stack on this machine."""
    deliver.destination_file.write_text(file, encoding="utf-8")
    capsys.readouterr()
    for size in batches:
        numbers = range(1, size + 1)
        texts = [a_profile(n, first_name="Amara", email=f"p{n}@example.com", statuses=ALL) for n in numbers]
        assert deliver.invoke([a_message(text, number=n) for n, text in enumerate(texts)]) == []
    folder = deliver.destination_file.parent
    (folder / "deliver.log").write_text(capsys.readouterr().out, encoding="utf-8")
    operated.feed()
    return status_of(replace(operated.target, is_local=True, log_folder=folder))


def test_a_wrong_letter_in_a_source_and_in_an_audience_is_named_by_status(
    operated: OperatedStack, deliver: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = CONTACTS.replace("name.firstName", "name.fristName").replace(LOYAL, LOYAL.replace("7841", "7841a"))
    assert wrong.count("fristName") == wrong.count("7841a") == 1

    status = told(operated, deliver, capsys, wrong, 400, 400, 199, 1)

    assert status.never_found == ["person.name.fristName -> FirstName", "audience Loyal customers -> CDP_Loyal__c"]
    (finding,) = [text for text in status.findings if "Loyal customers" in text]
    assert finding.startswith("None of the last 1,000 profiles has: person.name.fristName -> FirstName; audience")
    assert json.loads(status.as_json())["never_found"] == status.never_found


@pytest.mark.parametrize(
    ("changed", "batches"),
    [
        pytest.param(("", ""), (400, 600), id="all is found"),
        pytest.param(("name.firstName", "name.fristName"), (400, 400, 199), id="too few profiles"),
    ],
)
def test_nothing_is_said_of_a_good_file_or_of_few_profiles(
    operated: OperatedStack,
    deliver: DeliverStack,
    capsys: pytest.CaptureFixture[str],
    changed: tuple[str, str],
    batches: tuple[int, ...],
) -> None:
    status = told(operated, deliver, capsys, CONTACTS.replace(*changed), *batches)

    assert (status.looked_through, status.never_found) == (sum(batches), [])
    assert not [text for text in status.findings if "None of the last" in text]
