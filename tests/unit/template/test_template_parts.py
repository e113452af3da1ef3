"""template.yaml and its nested stacks: each by itself, and what an update from the time of one template does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from destination_testbench.local.places import ROOT
from the_template import NESTED, parts, source, template

FILES = {"": "template.yaml", **NESTED}

MOST_LINES = {"": 1290, "HttpFrontDoor": 330, "Alarms": 950}
LARGEST_BODY = 1_000_000
"""Bytes of a template in S3, where SAM puts each ("CloudFormation quotas")."""

MOST = {"parameters": 200, "resources": 500, "outputs": 200}
"""Of one template ("CloudFormation quotas")."""

BEFORE = json.loads((ROOT / "tests" / "fixtures" / "one_template.json").read_text(encoding="utf-8"))
"""Of the last template in one piece: what holds data or tells somebody, with its policies, and what was to move."""


SINCE = {"RefusalSecret", "ScheduleDeadLetterQueue", "ScheduleDeadLetterQueuePolicy"}


def text_of(part: str) -> str:
    return (ROOT / FILES[part]).read_text(encoding="utf-8")


def policies(resource: Any) -> list[str | None]:
    return [resource["Type"], resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")]


def test_every_file_of_the_folder_is_a_part() -> None:
    assert {str(file.relative_to(ROOT)) for file in (ROOT / "stacks").iterdir()} == set(NESTED.values())
    assert {name: source()["Resources"][name]["Properties"]["TemplateURL"] for name in NESTED} == NESTED
    assert set(parts()) == set(FILES)


@pytest.mark.parametrize("part", FILES)
def test_a_part_is_of_a_size_that_can_be_read_and_that_cloudformation_takes(part: str) -> None:
    counts = {name: len(getattr(parts()[part], name)) for name in MOST}

    assert len(text_of(part).splitlines()) <= MOST_LINES[part]
    assert len(text_of(part).encode()) < LARGEST_BODY
    assert counts["resources"] > 5
    assert {name for name, count in counts.items() if count > MOST[name]} == set()


@pytest.mark.parametrize("part", NESTED)
def test_a_nested_stack_is_plain_cloudformation(part: str) -> None:
    tokens = {type(token) for token in yaml.scan(text_of(part))}

    assert not tokens & {yaml.AliasToken, yaml.AnchorToken}
    assert set(re.findall(r"^(\w+):", text_of(part), re.MULTILINE)) == {
        "AWSTemplateFormatVersion",
        "Description",
        "Parameters",
        "Conditions",
        "Resources",
        "Outputs",
    }
    assert not [it["Type"] for it in parts()[part].resources.values() if it["Type"].startswith("AWS::Serverless")]


@pytest.mark.parametrize("part", NESTED)
def test_a_nested_stack_is_told_everything_so_that_nothing_is_left_out_unseen(part: str) -> None:
    declared = parts()[part].parameters

    assert not [name for name, parameter in declared.items() if "Default" in parameter]
    assert set(parts()[""].resources[part]["Properties"]["Parameters"]) == set(declared)
    assert {name for name in declared if not re.search(rf"(!Ref |\$\{{){name}\b", text_of(part))} == set()


@pytest.mark.parametrize("part", NESTED)
def test_what_a_nested_stack_is_allowed_is_what_its_parent_allows(part: str) -> None:
    chosen = {name: it["AllowedValues"] for name, it in parts()[part].parameters.items() if "AllowedValues" in it}

    assert chosen
    assert chosen == {name: template().parameters[name]["AllowedValues"] for name in chosen}


@pytest.mark.parametrize("part", NESTED)
def test_the_outputs_of_a_nested_stack_are_handed_through(part: str) -> None:
    outer = parts()[""].outputs

    assert parts()[part].outputs
    for name in parts()[part].outputs:
        assert outer[name]["Value"] == {"Fn::GetAtt": [part, f"Outputs.{name}"]}


def test_no_part_has_a_logical_id_of_another() -> None:
    names = [name for part in parts().values() for name in part.resources]

    assert len(names) == len(set(names)) == len(template().resources) + len(NESTED)


def test_what_holds_data_or_tells_somebody_is_where_it_was_in_the_one_template() -> None:
    # An account's setting can only be made after the first API, which is below; it is retained where it was.
    stays = {name: it for name, it in BEFORE["stays"].items() if name != "GatewayAccount"}
    stays["OutcomeKeySecret"] = policies(parts()[""].resources["CredentialsSecret"])  # the suppression list needs it
    now = parts()[""].resources
    kinds = {kind for kind, *_ in stays.values()} - {"AWS::IAM::Role"}

    assert {name: policies(now[name]) for name in stays} == stays
    assert {name for name, it in now.items() if it["Type"] in kinds} <= {*stays, *SINCE}
    for part in NESTED:
        assert not kinds & {it["Type"] for it in parts()[part].resources.values()}
        kept = [name for name, it in parts()[part].resources.items() if "DeletionPolicy" in it]
        assert kept == ["GatewayAccount"] * (part == "HttpFrontDoor")


def test_what_moved_is_gone_above_since_cloudformation_changes_no_resources_type() -> None:
    generated = {name for name in BEFORE["moved"] if re.search("Deployment|Stage", name)}
    below = {name: it["Type"] for part in NESTED for name, it in parts()[part].resources.items()}

    assert not set(BEFORE["moved"]) & set(parts()[""].resources)
    assert BEFORE["moved"].keys() - generated <= below.keys()
    assert {name: below[name] for name in BEFORE["moved"].keys() - generated} == {
        name: kind for name, kind in BEFORE["moved"].items() if name not in generated
    }
    assert not set(NESTED) & (BEFORE["moved"].keys() | BEFORE["stays"].keys())
