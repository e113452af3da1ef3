from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.aws.process import LocalAws
from destination_testbench.aws_lambda.built import (
    SAM,
    THIS_PROCESSOR,
    Built,
    NotHereError,
    SamError,
    build,
    copy,
    environ,
    sam,
)
from destination_testbench.local.places import REGION, ROOT
from samtranslator.yaml_helper import yaml_parse
from the_template import NESTED, source

pytestmark = [pytest.mark.sam, pytest.mark.python313, pytest.mark.timeout(600)]

ELF_MACHINES = {"x86_64": 62, "arm64": 183}
FOLDERS = (
    "DependenciesLayer",
    "SalesforceDestinationLayer",
    "DeliverFunction",
    "RefreshTokenFunction",
    "CheckConnectionFunction",
)

ZIP = """
import sys
from samcli.lib.package.utils import make_zip_with_lambda_permissions
make_zip_with_lambda_permissions(sys.argv[1], sys.argv[2])
"""

READ_BYTECODE = """
import importlib.util, marshal, pathlib, sys
for name in sys.stdin.read().split():
    data = pathlib.Path(name).read_bytes()
    print(name, data[:4] == importlib.util.MAGIC_NUMBER, data[4], marshal.loads(data[16:]).co_filename, sep="|")
"""


@pytest.fixture(scope="module", params=["x86_64", "arm64"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return a_build(tmp_path_factory.mktemp(str(request.param)), str(request.param))


@pytest.fixture(scope="module")
def built_here(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return a_build(tmp_path_factory.mktemp("here"), THIS_PROCESSOR)


def a_build(folder: Path, architecture: str) -> Built:
    try:
        return build(folder / "checkout", architecture)
    except NotHereError as error:
        pytest.skip(str(error))


def test_sam_finds_nothing_wrong_with_the_template() -> None:
    assert "is a valid SAM Template" in sam(ROOT, "validate", "--lint")


def test_binaries_are_for_the_processor_that_was_chosen(built: Built) -> None:
    machines = {machine_of(library) for library in built.folder.rglob("*.so")}

    assert machines == {ELF_MACHINES[built.architecture]}


def test_what_is_built_for_a_deployment_is_for_the_processor_that_it_names(tmp_path: Path) -> None:
    checkout = copy(tmp_path / "checkout")
    shutil.copy(ROOT / "samconfig.toml", checkout)

    try:
        sam(checkout, "build", "DependenciesLayer", "--config-env", "prod")
    except NotHereError as error:
        pytest.skip(str(error))

    libraries = list((checkout / ".aws-sam" / "build" / "DependenciesLayer").rglob("*.so"))
    assert {machine_of(library) for library in libraries} == {ELF_MACHINES["arm64"]}


READ_OVERRIDES = """
import json, sys, tomllib
from samcli.cli.types import CfnParameterOverridesType
config = tomllib.load(sys.stdin.buffer)
texts = [config[name]["global"]["parameters"]["parameter_overrides"] for name in ("dev", "prod")]
print(json.dumps([CfnParameterOverridesType().convert(text, None, None) for text in texts]))
"""


def test_sam_reads_every_parameter_of_an_environment_the_empty_ones_too() -> None:
    if not SAM.exists():
        pytest.skip("the SAM CLI is not here; make .venv-sam/.made")
    with (ROOT / "samconfig.toml").open("rb") as config:
        read = subprocess.run(
            [SAM.parent / "python", "-c", READ_OVERRIDES], stdin=config, capture_output=True, text=True
        )

    dev, prod = json.loads(read.stdout)
    for given in (dev, prod):
        assert given.keys() == source()["Parameters"].keys()
        assert given["SenderArns"] == ""


def machine_of(library: Path) -> int:
    with library.open("rb") as file:
        header = file.read(20)
    assert header[:4] == b"\x7fELF"
    (machine,) = struct.unpack_from("<H", header, 18)
    return int(machine)


def test_the_destination_files_lie_directly_in_their_layer(built: Built) -> None:
    destinations = built.layers("DeliverFunction")[-1]

    assert {"contacts.toml", "leads.toml", "people.toml"} <= names_in(destinations)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_source_is_compiled_to_bytecode_that_depends_on_no_time(built: Built) -> None:
    mounted = {folder: "/opt" if folder.endswith("Layer") else "/var/task" for folder in FOLDERS}
    sources = {
        compiled_file(source): f"{mounted[folder]}/{source.relative_to(built.folder / folder)}"
        for folder in FOLDERS
        for source in (built.folder / folder).rglob("*.py")
    }
    assert len(sources) > 500

    ran = subprocess.run(
        ["python3.13", "-c", READ_BYTECODE], input="\n".join(sources), env=environ(), capture_output=True, text=True
    )

    # 1 is a hash (PEP 552) that is not checked against the source (2).
    assert ran.stdout.splitlines() == [f"{file}|True|1|{source}" for file, source in sources.items()], ran.stderr


def compiled_file(source: Path) -> str:
    return str(source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc")


def test_two_builds_are_the_same_to_the_byte_and_so_are_their_zip_files(built_here: Built, tmp_path: Path) -> None:
    again = build(tmp_path / "elsewhere" / "checkout")

    for folder in FOLDERS:
        first, second = (tree(one.folder / folder) for one in (built_here, again))
        assert first
        assert first == second
        assert zipped(built_here.folder / folder, tmp_path / "1") == zipped(again.folder / folder, tmp_path / "2")


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """The hash and the rights of every file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
        for path in files
    }


def zipped(folder: Path, name: Path) -> str:
    """The hash of what `sam package` uploads."""
    subprocess.run([SAM.parent / "python", "-c", ZIP, name, folder], check=True, capture_output=True)
    return hashlib.sha256(name.with_suffix(".zip").read_bytes()).hexdigest()


def test_nested_stacks_are_built_and_uploaded_as_they_are_written(built_here: Built, tmp_path: Path) -> None:
    packaged = tmp_path / "packaged.yaml"
    with LocalAws(tmp_path / "aws.log") as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})

        arguments = ("--s3-bucket", "packages", "--output-template-file", str(packaged))
        sam(built_here.folder.parents[1], "package", *arguments, aws_url=aws.url)

        resources = yaml_parse(packaged.read_text(encoding="utf-8"))["Resources"]
        urls = {name: resources[name]["Properties"]["TemplateURL"] for name in NESTED}
        keys = {name: url.removeprefix(f"{aws.url}/packages/") for name, url in urls.items()}
        uploaded = {
            name: s3.get_object(Bucket="packages", Key=key)["Body"].read().decode() for name, key in keys.items()
        }

    written = {name: (ROOT / file).read_text(encoding="utf-8") for name, file in NESTED.items()}
    assert {name: without_sams_notes(yaml_parse(text)) for name, text in uploaded.items()} == {
        name: yaml_parse(text) for name, text in written.items()
    }


def without_sams_notes(template: Any) -> Any:
    """A template without the logical ids that `sam build` writes into the metadata."""
    for name, resource in template["Resources"].items():
        assert resource["Metadata"].pop("SamResourceId") == name
        if not resource["Metadata"]:
            del resource["Metadata"]
    return template


@pytest.mark.parametrize(
    ("resource", "folder"),
    [("DependenciesLayer", "layers/dependencies"), ("RefreshTokenFunction", "functions/refresh_token")],
)
def test_a_package_with_another_hash_than_the_locks_is_not_built(
    built_here: Built, resource: str, folder: str, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(built_here.folder.parents[1], checkout, ignore=shutil.ignore_patterns(".aws-sam"))
    lock = checkout / folder / "requirements.txt"
    lock.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock.read_text()))

    with pytest.raises(SamError, match="DO NOT MATCH THE HASHES"):
        sam(checkout, "build", resource)
