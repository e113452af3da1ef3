# ruff: noqa: T201 -- it speaks to the person who runs it
"""Writes docs/settings.md: every parameter of template.yaml, with what the template says of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"
PAGE = ROOT / "docs" / "settings.md"

HEAD = """\
# Settings

Every parameter of [template.yaml](../template.yaml) with its default and, in brackets, what it takes. For whoever
deploys a stack. `make settings` writes this page.

Write what you change into [samconfig.toml](../samconfig.toml), under `parameter_overrides` of your environment.
[Some](aws-setup.md#choose) need a decision.
"""

MORE = {
    "DestinationFile": "destination-file.md",
    "CustomerManagedKey": "aws-setup.md#a-key-of-your-own",
    "SubnetIds": "aws-setup.md#fixed-addresses",
    "SenderArns": "aws-setup.md#other-senders",
    "HttpEndpoint": "adobe-setup.md#the-way-over-http",
    "HttpApiKeys": "adobe-setup.md#change-the-key",
    "SetGatewayLogRole": "adobe-setup.md#1-switch-the-front-door-on",
    "NoticeEmail": "runbook.md#which-alarm-wakes-whom",
    "RunbookUrl": "runbook.md",
}
"""The page that tells more of a parameter."""

FEW = 10
"""From so many values on, the page names the first and the last."""


class Cloudformation(yaml.SafeLoader):
    """Reads a template's short forms as nothing: parameters have none."""


Cloudformation.add_multi_constructor("!", lambda loader, suffix, node: None)


def page() -> str:
    """The whole page."""
    template = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Cloudformation)  # noqa: S506 -- it is a SafeLoader
    return "\n".join([HEAD, *_lines(template)])


def _lines(template: dict[str, Any]) -> Iterator[str]:
    parameters = template["Parameters"]
    for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        yield f"## {group['Label']['default']}\n"
        for name in group["Parameters"]:
            yield _entry(name, parameters[name])
        yield ""


def _entry(name: str, parameter: dict[str, Any]) -> str:
    default = f" = `{parameter['Default']}`" if parameter["Default"] != "" else ""
    taken = f" ({_taken(parameter)})" if _taken(parameter) else ""
    more = f" [More]({MORE[name]})." if name in MORE else ""
    return f"- `{name}`{default}{taken}: {parameter['Description'].strip()}{more}"


def _taken(parameter: dict[str, Any]) -> str:
    """The values that CloudFormation takes; of a text with a pattern the description tells."""
    if "AllowedValues" in parameter:
        values = [f"`{value}`" for value in parameter["AllowedValues"] if value != ""]
        return ", ".join(values) if len(values) < FEW else f"{values[0]} to {values[-1]}, as template.yaml lists them"
    return f"{parameter['MinValue']} to {parameter['MaxValue']}" if "MinValue" in parameter else ""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
