"""What `pip install .` gives to somebody who has nothing of this project: the command, and nothing of the testbench."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from salesforce_destination import __version__
from shell_commands import ROOT

pytestmark = pytest.mark.index

NOT_FOR_USERS = ("destination_testbench", "moto", "pytest", "jinja2", "samtranslator", "benchmarks")

PIP_FILES = (Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf")
"""Where a person says which index pip asks."""

IMPORT_ALL = """
import importlib, pkgutil, destination_cli, salesforce_destination
names = [module.name for package in (destination_cli, salesforce_destination)
         for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def run(home: Path, *command: str | Path) -> str:
    """What a command prints in this home, in an empty folder; the settings of pip itself are passed on."""
    kept = {name: text for name, text in os.environ.items() if name.startswith("PIP_") or "PROXY" in name.upper()}
    own = next((file for file in PIP_FILES if file.is_file()), None)
    pip = {"PIP_CONFIG_FILE": str(own)} if own else {}
    environ = {**pip, **kept, "HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb"}
    ended = subprocess.run(list(map(str, command)), cwd=home, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home with the product in a virtual environment of its own."""
    home = tmp_path_factory.mktemp("home")
    run(home, sys.executable, "-m", "venv", home / "venv")
    run(home, home / "venv" / "bin" / "pip", "install", "--quiet", ROOT)
    return home


@pytest.mark.timeout(600)
def test_the_installed_command_works(home: Path) -> None:
    destination = home / "venv" / "bin" / "destination"

    assert run(home, destination, "--version") == f"destination {__version__}\n"
    assert "check" in run(home, destination, "--help")
    file = ROOT / "layers" / "destinations" / "contacts.toml"
    assert "can be used" in run(home, destination, "check", file, "--offline")


@pytest.mark.timeout(600)
def test_every_module_of_it_finds_what_it_imports(home: Path) -> None:
    assert int(run(home, home / "venv" / "bin" / "python", "-c", IMPORT_ALL)) > 80


@pytest.mark.timeout(600)
def test_nothing_of_the_testbench_and_the_tests_comes_along(home: Path) -> None:
    find = f"from importlib.util import find_spec; print(*[n for n in {NOT_FOR_USERS} if find_spec(n)])"

    assert run(home, home / "venv" / "bin" / "python", "-c", find).split() == []
    assert not (home / "venv" / "bin" / "destination-testbench").exists()
