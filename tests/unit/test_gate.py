"""The gate says what is missing on a machine before it begins, and installs something only where CI=true."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shell_commands import ROOT

BASH = shutil.which("bash") or "/bin/bash"
NEEDED = ("bash", "dirname", "id")

on_no_mac = pytest.mark.skipif(Path("/Applications/Google Chrome.app").exists(), reason="Chrome is there on this Mac")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The programs of a machine without Chromium, npm and Python 3.13, whose apt-get only notes that it was asked."""
    for name in NEEDED:
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    for name, text in (("make", "true"), ("apt-get", f'echo "$*" >> {tmp_path}/asked'), ("sudo", 'shift; "$@"')):
        (tmp_path / name).write_text(f"#!{BASH}\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if name not in ("CI", "CHROMIUM")}
    return subprocess.run(
        [BASH, ROOT / ".ci" / "run"],
        env=kept | {"PATH": str(machine)} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@on_no_mac
def test_the_gate_names_what_is_missing_and_installs_nothing_for_a_person(machine: Path) -> None:
    ended = run(machine)

    assert ended.returncode == 1
    assert "Chromium is missing" in ended.stderr
    assert "Python 3.13 is missing" in ended.stderr
    assert "Node and npm are missing" in ended.stderr
    assert not (machine / "asked").exists()


@on_no_mac
def test_the_gate_installs_chromium_and_npm_where_nobody_is_asked(machine: Path) -> None:
    ended = run(machine, CI="true")

    assert ended.returncode == 1
    asked = (machine / "asked").read_text(encoding="utf-8")
    assert "install --yes chromium" in asked
    assert "install --yes nodejs npm" in asked


def test_the_gate_begins_where_nothing_is_missing(machine: Path) -> None:
    (machine / "make").write_text(f'#!{BASH}\n[ "$1" = --silent ] && echo python3.13 || echo "$1"\n', encoding="utf-8")
    for name in ("node", "npm"):
        (machine / name).symlink_to(BASH)

    ended = run(machine, CHROMIUM="chromium")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["lint", "test", "test-all", "size"]
