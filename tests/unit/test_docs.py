"""The reference says what the code says."""

import re
from typing import get_args

from jobs.errors import RejectionCode
from ops.checkout import CHECKOUT
from ops.cli import COMMANDS
from ops.commands.bench import names

REFERENCE = CHECKOUT / "docs" / "reference"
FIRST_CELL = re.compile(r"^\| `(\w+)", re.MULTILINE)


def _listed(page: str) -> list[str]:
    return FIRST_CELL.findall((REFERENCE / page).read_text())


def test_every_rejection_code_is_documented_and_no_other() -> None:
    assert sorted(_listed("rejections.md")) == sorted(get_args(RejectionCode))


def test_every_command_is_documented_and_no_other() -> None:
    assert sorted(_listed("commands.md")) == sorted(COMMANDS)


def test_every_benchmark_is_documented_and_no_other() -> None:
    line = re.search(r"NAME is (.*) \|", (REFERENCE / "commands.md").read_text())

    assert line is not None
    assert sorted(line[1].replace(" or ", ", ").split(", ")) == names()


def test_every_test_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (CHECKOUT / "README.md").read_text()))
    tests = "\n".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))

    assert named
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_file_that_the_readme_names_exists() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    named = set(re.findall(r"`([a-z_]+/[\w/.-]+\.\w+)`", readme))
    named |= set(re.findall(r"\]\((\w[\w/.-]*)\)", readme))

    assert named
    assert {name for name in named if not (CHECKOUT / name).exists()} == set()
