"""Each fault of our list is tried by a test that is named, or it is said why not."""

import re
from pathlib import Path

import pytest

from tests.history.checker import INVARIANTS
from tests.history.failpoints import POINTS
from tests.history.faults import FAULTS
from tests.history.mutants import MUTANTS

EXPLANATIONS = Path(__file__).parents[2] / "docs" / "explanation"
RELIABILITY = (EXPLANATIONS / "reliability.md").read_text()
NUMBER = re.compile(r"\bF\d\d\b")
LISTED = [f"F{number:02}" for number in range(1, 37)]
HELD = {
    "mutants": len(MUTANTS),
    "points": len(POINTS),
    "kinds of faults": len(FAULTS),
    "invariants": len(INVARIANTS),
    "questions": len(INVARIANTS),
}


def _section(heading: str) -> str:
    return RELIABILITY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _tried() -> list[tuple[str, str]]:
    """First and last cell of each row."""
    rows = re.findall(r"^\| ([^|]*)\|.*\| ([^|]*) \|$", _section("Fault by fault"), re.MULTILINE)
    return [row for row in rows if row != ("no. ", "proved by")]


def _untried() -> list[str]:
    return re.findall(r"^- (F\d\d), ", _section("Not tried here"), re.MULTILINE)


def test_every_fault_of_the_list_is_tried_or_it_is_said_why_not() -> None:
    tried = {number for first, _ in _tried() for number in NUMBER.findall(first)}

    assert sorted([*tried, *_untried()]) == LISTED


def test_every_fault_that_is_tried_names_a_test() -> None:
    assert _tried()
    assert [first for first, last in _tried() if "`test" not in last] == []


def test_every_promise_has_the_figure_of_a_run() -> None:
    rows = re.findall(
        r"^\| .*\| ([^|]*) \|$", _section("The figures of the last run"), re.MULTILINE
    )

    assert rows[0] == "figure of the last run"
    assert [row for row in rows[1:] if not re.search(r"\d", row)] == []


@pytest.mark.parametrize("page", ["reliability.md", "chaos.md"])
def test_what_is_counted_on_a_page_are_that_many(page: str) -> None:
    words = " ".join((EXPLANATIONS / page).read_text().split())
    counted = re.findall(rf"(\d+) (?:of \d+ )?({'|'.join(HELD)})\b", words)

    assert len(counted) >= 3
    assert {(what, int(n)) for n, what in counted} <= HELD.items()
