from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from destination_cli.local.places import ROOT
from samtranslator.yaml_helper import yaml_parse

pytestmark = [pytest.mark.sam, pytest.mark.python313, pytest.mark.timeout(600)]

SAM = ROOT / ".venv-sam" / "bin" / "sam"
PYTHON_OF_THE_RUNTIME = "python3.13"
THIS_PROCESSOR = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
COMES_WITH_THE_RUNTIME = ["boto3", "botocore", "s3transfer", "dateutil", "six.py", "jmespath", "urllib3"]

LAYERS_OF = {
    "DeliverFunction": ["DependenciesLayer", "SalesforceDestinationLayer"],
    "RefreshTokenFunction": ["DependenciesLayer", "SalesforceDestinationLayer"],
    "CheckConnectionFunction": ["DependenciesLayer", "SalesforceDestinationLayer"],
}

IMPORT_THE_HANDLER = "import sys; sys.path[:0] = sys.argv[1:]; import app; assert callable(app.lambda_handler)"


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """An environment in which `python3.13` is Python 3.13; pyenv has it only where PYENV_VERSION names it."""
    candidates = [dict(os.environ)]
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout
        candidates += [{**os.environ, "PYENV_VERSION": v} for v in listed.split() if v.startswith("3.13.")]
    for candidate in candidates:
        if runs(candidate):
            return {**candidate, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-west-1"}
    pytest.skip("there is no Python 3.13 here; put python3.13 on the PATH")


def runs(environ: dict[str, str]) -> bool:
    try:
        return subprocess.run([PYTHON_OF_THE_RUNTIME, "--version"], env=environ, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def sam(environ: dict[str, str], folder: Path, *arguments: str) -> str:
    if not SAM.exists():
        pytest.skip("the SAM CLI is not here; make .venv-sam/.made")
    ran = subprocess.run([SAM, *arguments], cwd=folder, env=environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module", params=["x86_64", "arm64"])
def built(request: pytest.FixtureRequest, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    architecture = str(request.param)
    checkout = copy_of_what_is_built(tmp_path_factory.mktemp(architecture) / "checkout")
    sam(environ, checkout, "build", "--parameter-overrides", f"Architecture={architecture}")
    (checkout / "architecture").write_text(architecture, encoding="utf-8")
    return checkout / ".aws-sam" / "build"


def copy_of_what_is_built(folder: Path) -> Path:
    """A copy, since SAM writes into the folder that it builds in; without the .pyc files of other tests."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "template.yaml", folder)
    for part in ("functions", "layers"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def architecture_of(built: Path) -> str:
    return (built.parents[1] / "architecture").read_text(encoding="utf-8")


def test_sam_finds_nothing_wrong_with_the_template(environ: dict[str, str]) -> None:
    assert "is a valid SAM Template" in sam(environ, ROOT, "validate", "--lint")


def test_binaries_are_for_the_processor_that_was_chosen(built: Path) -> None:
    machines = {machine_of(library) for library in built.rglob("*.so")}

    assert machines == {ELF_MACHINES[architecture_of(built)]}


def machine_of(library: Path) -> int:
    with library.open("rb") as file:
        header = file.read(20)
    assert header[:4] == b"\x7fELF"
    (machine,) = struct.unpack_from("<H", header, 18)
    return int(machine)


def test_each_layer_holds_what_it_should(built: Path) -> None:
    dependencies = names_in(built / "DependenciesLayer" / "python")
    ours = names_in(built / "SalesforceDestinationLayer" / "python")

    assert {"aws_lambda_powertools", "jmespath", "pydantic", "requests"} <= dependencies
    assert not dependencies & {"boto3", "botocore", "aws_xray_sdk"}, "they would take the place of the runtime's"
    assert ours == {"salesforce_destination"}
    assert (built / "SalesforceDestinationLayer/python/salesforce_destination/py.typed").exists()


def test_the_destination_files_lie_directly_in_their_layer(built: Path) -> None:
    layer = yaml_parse((built / "template.yaml").read_text(encoding="utf-8"))["Resources"]["DestinationsLayer"]

    assert {"contacts.toml", "leads.toml"} <= names_in(built / layer["Properties"]["ContentUri"])


def test_a_function_holds_its_handler_and_only_what_it_alone_needs(built: Path) -> None:
    assert names_in(built / "DeliverFunction") == names_in(built / "CheckConnectionFunction") == {"app.py"}
    assert {"app.py", "jwt", "cryptography"} <= names_in(built / "RefreshTokenFunction")


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("function", LAYERS_OF)
def test_a_handler_is_found_with_only_what_was_built_on_the_path(
    built: Path, function: str, environ: dict[str, str], a_runtime: Path
) -> None:
    if architecture_of(built) != THIS_PROCESSOR:
        return  # its binaries cannot be loaded here
    path = [built / function, *(built / layer / "python" for layer in LAYERS_OF[function]), a_runtime]

    ran = subprocess.run(
        [PYTHON_OF_THE_RUNTIME, "-I", "-S", "-c", IMPORT_THE_HANDLER, *map(str, path)],
        env=environ,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def a_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages that Lambda's own runtime has, and no others."""
    folder = tmp_path_factory.mktemp("runtime")
    packages = [Path(place) for place in sys.path]
    for name in COMES_WITH_THE_RUNTIME:
        (folder / name).symlink_to(next(place / name for place in packages if (place / name).exists()))
    return folder
