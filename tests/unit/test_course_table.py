"""The table of the course's requirements is complete, and names tests that there are."""

import ast
import re
from pathlib import Path

import pytest

from ops.checkout import CHECKOUT

PAGE = CHECKOUT / "docs" / "reference" / "course.md"
LESSONS = (3, 9, 11, 9, 9, 6, 9, 9, 7, 9, 8, 5)
"""Requirements of each lesson, from L00 on."""
MISTAKES = 54
IDS = [f"L{lesson:02}-{n}" for lesson, count in enumerate(LESSONS) for n in range(1, count + 1)]
IDS += [f"M{n:02}" for n in range(1, MISTAKES + 1)]
ROW = re.compile(r"^\| ([LM]\d\d[-\d]*) \| (.+) \| (.*) \| (.*) \|$", re.MULTILINE)
NODE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

ROWS = ROW.findall(PAGE.read_text())


def test_every_requirement_stands_here_once() -> None:
    assert [row[0] for row in ROWS] == IDS


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_requirement_has_tests_or_a_reason(row: tuple[str, str, str, str]) -> None:
    _, words, tests, reason = row

    assert words.strip()
    assert NODE.search(tests) or reason.strip()
    assert NODE.sub("", tests).replace("<br>", "").strip() == ""


def test_every_test_that_is_named_exists() -> None:
    named = {node for row in ROWS for node in NODE.findall(row[2])}

    assert named
    assert {(path, name) for path, name in named if name not in _tests_of(CHECKOUT / path)} == set()


def _tests_of(path: Path) -> set[str]:
    if not path.exists():
        return set()
    tree = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
