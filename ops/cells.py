"""Values as people read them in tables."""

from datetime import datetime

from pydantic_core import to_json

NOTHING = "-"


def time(at: datetime | None) -> str:
    """To the second, in UTC."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def text(value: object) -> str:
    """As JSON."""
    return to_json(value).decode()
