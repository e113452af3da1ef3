"""The numbers of template.yaml, so that what is proved is proved of what is deployed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from destination_testbench.local.places import ROOT


@dataclass(frozen=True, slots=True)
class Numbers:
    """The template's parameters that are numbers of the delivery, by their names in lower case."""

    batch_size: int
    batch_window_seconds: int
    maximum_concurrency: int
    function_timeout_seconds: int
    visibility_timeout_seconds: int
    redelivery_base_seconds: int
    redelivery_max_seconds: int
    give_up_after_seconds: int
    max_receive_count: int
    retention_seconds: int
    collections_per_request: int
    records_per_collection: int
    api_usage_ceiling_percent: int


@cache
def template_numbers(path: Path = ROOT / "template.yaml") -> Numbers:
    """Read the defaults of the template's parameters."""
    parameters: dict[str, dict[str, Any]] = yaml_parse(path.read_text(encoding="utf-8"))["Parameters"]
    defaults = {parameter.lower(): declared.get("Default") for parameter, declared in parameters.items()}
    return Numbers(**{field.name: int(str(defaults[field.name.replace("_", "")])) for field in fields(Numbers)})
