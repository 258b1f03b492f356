"""Times on the command line: each with its offset, so that nobody guesses whose clock is meant."""

from datetime import datetime
from typing import Any

import click


class TimeType(click.ParamType[datetime]):
    """A time with its offset."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-11-23T09:00:00Z.", param, ctx)
        if time.tzinfo is None:
            self.fail(f"{value} needs an offset, such as {value}Z.", param, ctx)
        return time
