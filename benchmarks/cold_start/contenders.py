"""What is started cold: the functions as they are built, and beside them what a function takes that does nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from destination_testbench.aws_lambda.built import Built
from destination_testbench.aws_lambda.emulator import PYTHON, Package

EMPTY = "an empty function"
LIBRARIES = "boto3 and requests alone"
DELIVER = "the deliver function"

CODE = {
    EMPTY: "def lambda_handler(event, context):\n    return {}\n",
    LIBRARIES: "import boto3\nimport requests\n\n\ndef lambda_handler(event, context):\n    return {}\n",
}
BUILT = {
    DELIVER: "DeliverFunction",
    "the refresh-token function": "RefreshTokenFunction",
    "the check-connection function": "CheckConnectionFunction",
}


def contenders(built: Built, folder: Path) -> dict[str, Package]:
    """All of them, compiled alike and with the same layers."""
    layers = built.layers(BUILT[DELIVER])
    bare = {
        name: Package(_compiled(folder / str(number), code), layers) for number, (name, code) in enumerate(CODE.items())
    }
    return {**bare, **{name: Package.of(built, logical_id) for name, logical_id in BUILT.items()}}


def _compiled(folder: Path, code: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(code, encoding="utf-8")
    command = [str(PYTHON), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, check=True)
    return folder
