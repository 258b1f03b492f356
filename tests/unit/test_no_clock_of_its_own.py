"""A worker whose clock is wrong decides nothing by it (F23): PostgreSQL and Redis have the time."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECIDING = ("worker", "db", "jobs/rules")
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "time.localtime", "time.gmtime",
}  # fmt: skip
ALLOWED = {
    "worker/consumer.py datetime.now": "Arq's line of health says when it was written",
    "worker/functions.py time.time_ns": "Arq wants to be told when a job was enqueued and begun",
    "worker/results.py time.time_ns": "Arq's results say when they were written",
    "worker/queue/line.py time.time": "a figure for the log: how late a job was taken",
}
"""What is read from a clock here is shown, and nothing depends on it."""


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in (path for name in DECIDING for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            yield str(path.relative_to(ROOT)), node


def _read(node: ast.AST) -> str | None:
    """The clock that is read or handed on: `time.time`, by whatever name the module has."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
        case ast.Attribute(value=ast.Attribute(attr=owner), attr=name):
            return f"{owner}.{name}"
    return None


def test_nothing_is_decided_by_the_clock_of_a_worker() -> None:
    read = {f"{path} {clock}" for path, node in _nodes() if (clock := _read(node)) in CLOCKS}

    assert read == ALLOWED.keys()


def test_no_clock_is_read_under_another_name() -> None:
    imported = {
        f"{path} {node.module}.{name.name} as {name.asname}"
        for path, node in _nodes()
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "datetime"}
        for name in node.names
        if f"{node.module}.{name.name}" in CLOCKS or name.asname is not None
    }

    assert imported == set()
