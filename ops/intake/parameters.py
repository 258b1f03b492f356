"""`-p key=value` and `-p key:=json` as a payload."""

import json
from collections.abc import Iterable
from typing import Any

import click


def payload_of(parameters: Iterable[str]) -> dict[str, Any]:
    """The payload that the parameters spell; a value after `:=` is JSON, after `=` it is text."""
    return dict(_pair(parameter) for parameter in parameters)


def _pair(parameter: str) -> tuple[str, Any]:
    key, equals, value = parameter.partition("=")
    if not equals or not key.rstrip(":"):
        raise click.UsageError(f"-p {parameter}: write key=text or key:=JSON.")
    if not key.endswith(":"):
        return key, value
    try:
        return key[:-1], json.loads(value)
    except ValueError as error:
        raise click.UsageError(f"-p {parameter}: {error}; text is written with = alone.") from None
