"""What `sam build` makes of this checkout: the folders that Lambda mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from destination_testbench.local.places import REGION, ROOT

SAM = ROOT / ".venv-sam" / "bin" / "sam"
PYTHON_OF_THE_RUNTIME = "python3.13"
THIS_PROCESSOR = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"


class NotHereError(Exception):
    """Something that building or running needs is not on this machine; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Built:
    """A folder that `sam build` made, and the processor that it is for."""

    folder: Path
    architecture: str

    def function(self, logical_id: str) -> Path:
        """What Lambda mounts at /var/task."""
        return self.folder / logical_id

    def layers(self, logical_id: str) -> tuple[Path, ...]:
        """What Lambda mounts at /opt, one folder over the other."""
        template = self.template()["Resources"]
        layers = template[logical_id]["Properties"]["Layers"]
        return tuple(self.folder / template[layer["Ref"]]["Properties"]["ContentUri"] for layer in layers)

    def template(self) -> dict[str, Any]:
        """The template that is deployed, with the folders in it."""
        text = (self.folder / "template.yaml").read_text(encoding="utf-8")
        return dict(yaml_parse(text))


def build(checkout: Path, architecture: str = THIS_PROCESSOR) -> Built:
    """Copy what is built into this new folder, since SAM writes there, and build it."""
    template = copy(checkout) / "template.yaml"
    template.write_text(template.read_text(encoding="utf-8").replace("arm64", architecture), encoding="utf-8")
    sam(checkout, "build")
    return Built(checkout / ".aws-sam" / "build", architecture)


def copy(checkout: Path) -> Path:
    """Copy what `sam build` reads into this new folder, without samconfig.toml and anyone's .pyc files."""
    checkout.mkdir(parents=True)
    shutil.copy(ROOT / "template.yaml", checkout)
    for part in ("functions", "layers", "stacks"):
        shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    return checkout


class SamError(Exception):
    """SAM said no; the text is its whole output."""


def sam(folder: Path, *arguments: str, aws_url: str | None = None) -> str:
    """What SAM says, started in this folder; raise SamError where it fails. `aws_url` is an AWS on this machine."""
    if not SAM.exists():
        raise NotHereError("the SAM CLI is not here; make .venv-sam/.made")
    variables = {**environ(), **({"AWS_ENDPOINT_URL": aws_url} if aws_url else {})}
    ran = subprocess.run([SAM, *arguments], cwd=folder, env=variables, capture_output=True, text=True)
    if ran.returncode:
        raise SamError(ran.stdout + ran.stderr)
    return ran.stdout + ran.stderr


@cache
def environ() -> Mapping[str, str]:
    """An environment in which `python3.13` is Python 3.13; pyenv has it only where PYENV_VERSION names it."""
    candidates = [dict(os.environ)]
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout
        candidates += [{**os.environ, "PYENV_VERSION": v} for v in listed.split() if v.startswith("3.13.")]
    for candidate in candidates:
        if _runs(candidate):
            return {**candidate, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    raise NotHereError("there is no Python 3.13 here; put python3.13 on the PATH")


def _runs(environ: dict[str, str]) -> bool:
    try:
        return subprocess.run([PYTHON_OF_THE_RUNTIME, "--version"], env=environ, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
