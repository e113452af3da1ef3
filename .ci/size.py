"""How large everything is: lines, modules, words, the time of the tests, and the way of a good profile.

Prints it beside the ceilings of .ci/ceilings.toml, and exits with 1 where one is passed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CEILINGS = ROOT / ".ci" / "ceilings.toml"
SECONDS = ROOT / ".local" / "test-seconds"
"""How long the last `make test` that passed took; it writes the file."""

SMALL_LINES = 40
PARTS = {
    "package": "layers/salesforce_destination",
    "command": "cli",
    "functions": "functions",
    "testbench": "testbench",
    "benchmarks": "benchmarks",
    "tests": "tests",
}
PRODUCT = ("package", "command", "functions")
PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md")


def lines_of(file: Path) -> int:
    """The lines of a file, blank ones too."""
    return len(file.read_text(encoding="utf-8").splitlines())


def modules_of(part: str) -> dict[Path, int]:
    """The modules of a part, each with its lines."""
    return {file: lines_of(file) for file in sorted((ROOT / PARTS[part]).rglob("*.py"))}


def small_of(modules: Iterable[tuple[Path, int]]) -> list[Path]:
    """The modules that are too small to be one; `__init__.py` and `__main__.py` have to be there."""
    return [file for file, lines in modules if lines < SMALL_LINES and not file.name.startswith("__")]


def words_of(pages: Iterable[str]) -> int:
    """The words of the documents."""
    return sum(len(file.read_text(encoding="utf-8").split()) for page in pages for file in ROOT.glob(page))


def good_profile() -> tuple[int, int]:
    """How many modules of the package a good profile crosses before the request, and how deep it lies in calls."""
    program = [sys.executable, str(ROOT / "tests" / "support" / "good_profile.py")]
    way = json.loads(subprocess.run(program, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    return len(way["modules"]), int(way["depth"])


def sizes(modules: dict[str, dict[Path, int]]) -> Iterator[tuple[str, int | None]]:
    """Each size that has a ceiling, by its name there; None for what was not measured yet."""
    lines = {part: sum(found.values()) for part, found in modules.items()}
    yield "product_lines", sum(lines[part] for part in PRODUCT)
    yield "testbench_lines", lines["testbench"]
    yield "document_words", words_of(PAGES)
    yield "readme_lines", lines_of(ROOT / "README.md")
    yield "template_lines", lines_of(ROOT / "template.yaml")
    held = {file: count for part in (*PRODUCT, "testbench") for file, count in modules[part].items()}
    yield "small_modules", len(small_of(held.items()))
    crossed, depth = good_profile()
    yield "good_profile_modules", crossed
    yield "good_profile_depth", depth
    yield "make_test_seconds", int(SECONDS.read_text()) if SECONDS.is_file() else None


def over(sizes: Mapping[str, int | None], ceilings: Mapping[str, int]) -> list[str]:
    """A sentence for each ceiling that is passed, and for each size that has none."""
    return [
        f"{name} is {size:,}; .ci/ceilings.toml allows {ceilings.get(name, 0):,}."
        for name, size in sizes.items()
        if size is not None and size > ceilings.get(name, 0)
    ]


def main() -> int:
    """Print everything; 1 where a ceiling is passed."""
    modules = {part: modules_of(part) for part in PARTS}
    print(f"{'part':22}{'modules':>9}{'lines':>9}{f'under {SMALL_LINES}':>10}")
    for part, found in modules.items():
        print(f"{part:22}{len(found):9,}{sum(found.values()):9,}{len(small_of(found.items())):10,}")
    ceilings, found_sizes = tomllib.loads(CEILINGS.read_text(encoding="utf-8")), dict(sizes(modules))
    print(f"\n{'size':22}{'is':>9}{'at most':>9}")
    for name, size in found_sizes.items():
        print(f"{name:22}{'-' if size is None else f'{size:,}':>9}{ceilings[name]:9,}")
    passed = over(found_sizes, ceilings)
    print("".join(f"\n{sentence}" for sentence in passed), file=sys.stderr, end="\n" if passed else "")
    return 1 if passed else 0


if __name__ == "__main__":
    sys.exit(main())
