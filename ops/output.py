"""What commands print: one JSON document, or tables for people. Notices go to stderr."""

from collections.abc import Iterable, Sequence
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


def notice(text: str) -> None:
    """A remark to whoever watches, never part of the data."""
    click.echo(text, err=True)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
