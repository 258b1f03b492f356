"""What the pages name exists: checks, tests, files and pages."""

import re

import pytest

from db.models import metadata
from ops.checkout import CHECKOUT
from ops.verify.run import CHECKS

DOCS = CHECKOUT / "docs"
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
FORMS = (DOCS / "explanation" / "normal-forms.md").read_text()
LAST_CELL = re.compile(r"^\| .* \| ([^|]*) \|$", re.MULTILINE)


def _section(heading: str) -> str:
    return FORMS.partition(f"## {heading}")[2].partition("\n## ")[0]


def test_every_table_is_argued() -> None:
    argued = re.findall(r"^\| ([\w, ]+) \|", _section("Table by table"), re.MULTILINE)
    names = {name for cell in argued for name in cell.split(", ")} - {"table"}

    assert names == {table.name for table in metadata.tables.values()}


def test_every_check_that_a_denormalisation_relies_on_exists() -> None:
    cells = LAST_CELL.findall(_section("What is denormalised on purpose"))[1:]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    assert named
    assert named <= {check.name for check in CHECKS}
    assert all("`" in cell or cell.startswith("none: ") or set(cell) == {"-"} for cell in cells)


def test_every_column_that_is_denormalised_exists() -> None:
    columns = {f"{t.name}.{c.name}" for t in metadata.tables.values() for c in t.columns}
    first_cells = re.findall(r"^\| ([^|]*) \|", _section("What is denormalised"), re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`(\w+\.\w+)`", cell)}

    assert named
    assert named <= columns


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / page).read_text()))
    tests = "\n".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))

    assert {name for name in named if f"def {name}(" not in tests} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_link_of_a_page_leads_somewhere(page: str) -> None:
    words = (DOCS / page).read_text()
    files = set(re.findall(r"`((?:jobs|db|worker|ops|tests|examples)/[\w/.-]+\.\w+)`", words))
    links = set(re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", words))

    assert {name for name in files if not (CHECKOUT / name).exists()} == set()
    assert {name for name in links if not (DOCS / page).parent.joinpath(name).exists()} == set()


def test_every_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([\w./-]+)\)", (DOCS / "README.md").read_text()))

    assert set(PAGES) - {"README.md"} <= listed
