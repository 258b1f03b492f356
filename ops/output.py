"""What commands print: one JSON document, or tables for people. Notices go to stderr."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from pydantic_core import to_json


def print_json(document: Any) -> None:
    """One JSON document on stdout and nothing else there."""
    click.echo(to_json(document, indent=2).decode())


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout; without a terminal no colour and no truncation."""
    from ops.screen import draw_table  # noqa: PLC0415 - rich is only imported where it draws

    draw_table(title, columns, rows)


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """A function to be called with the name of each step done; draws on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from ops.screen import progress  # noqa: PLC0415 - rich is only imported where it draws

    with progress() as bar:
        drawn = bar.add_task("", total=total)
        yield lambda name: bar.update(drawn, advance=1, description=name)


def notice(text: str) -> None:
    """A remark to whoever watches, never part of the data."""
    click.echo(text, err=True)


def notice_more(after: str | None) -> None:
    """Says how to ask for the page behind this cursor, if there is one."""
    if after is not None:
        notice(f"There are more: --after {after}")


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
