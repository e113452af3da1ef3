"""template.yaml as CloudFormation would get it: transformed by SAM's own translator, without an AWS account."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from destination_testbench.local.places import ACCOUNT_ID, REGION, ROOT

SOURCE_BUCKET = "this-checkout"
"""SAM's translator takes code only from S3: the bucket that stands for the folder that holds template.yaml."""

TEMPLATES_KEPT = 4
"""A template is transformed once, however often it is read in one process; nobody changes what comes of it."""

Json = Any
"""A value of a template: what JSON can hold, of any shape."""


@dataclass(frozen=True, slots=True)
class Template:
    """The parts of a transformed template."""

    parameters: Mapping[str, Mapping[str, Json]]
    conditions: Mapping[str, Json]
    resources: Mapping[str, Mapping[str, Json]]
    outputs: Mapping[str, Mapping[str, Json]]

    def of_type(self, resource_type: str) -> dict[str, Mapping[str, Json]]:
        """The properties of every resource of this type, by logical id."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type
        }


def read_template(path: Path = ROOT / "template.yaml") -> Template:
    """
    Read and transform a template.

    Local folders (`CodeUri`, `ContentUri`) become objects of the bucket `SOURCE_BUCKET`, their path being the key.
    """
    return _transformed(path.read_text(encoding="utf-8"))


@lru_cache(TEMPLATES_KEPT)
def _transformed(text: str) -> Template:
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        for key in ("CodeUri", "ContentUri"):
            if key in properties:
                properties[key] = f"s3://{SOURCE_BUCKET}/{properties[key]}"
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of statistics that it did not send home
    session = boto3.Session(
        aws_access_key_id=ACCOUNT_ID, aws_secret_access_key="none", region_name=REGION, aws_session_token=None
    )
    transformed = Translator(None, Parser(), boto_session=session).translate(source, {}, get_managed_policy_map=dict)
    return Template(
        parameters=transformed.get("Parameters", {}),
        conditions=transformed.get("Conditions", {}),
        resources=transformed["Resources"],
        outputs=transformed.get("Outputs", {}),
    )
