"""Jobs that have died, for tests of what operators do with them; and all rows, to compare."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from db.models import metadata
from jobs.codec import Poison
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.engine import Engine
from worker.dead_letters import fingerprint

Bury = Callable[..., Awaitable[list[AnyJob]]]


async def buried(
    engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch, *tasks: UUID, error: str = "bug"
) -> list[AnyJob]:
    """Comments on these tasks that were buried by a bug in their rule, which is mended since."""

    def break_down(*_: object) -> None:
        raise RuntimeError(error)

    jobs = [cast.by(cast.human, CommentTask(task_id=t, comment_id=t, body="Good")) for t in tasks]
    with monkeypatch.context() as bug:
        bug.setattr("jobs.rules.assign.comment", break_down)
        assert set(await engine.statuses(jobs)) == {"buried"}
    return jobs


async def snapshot(engine: Engine) -> dict[str, dict[str, Any]]:
    """All rows of all tables, each under its primary key."""
    found: dict[str, dict[str, Any]] = {}
    for table in metadata.sorted_tables:
        key = ", ".join(f"t.{column.name}" for column in table.primary_key)
        rows = await engine.execute(
            f"SELECT concat_ws('/', {key}) AS key, to_jsonb(t) AS row FROM taskrail.{table.name} t"  # noqa: S608
        )
        found[table.name] = {row["key"]: row["row"] for row in rows}
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The keys of rows that are new, gone or other than before."""
    return {key for key in {**before, **after} if before.get(key) != after.get(key)}


@pytest.fixture
async def bury(engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Bury:
    """Buries comments on these tasks, with this `error`."""

    async def bury(*tasks: UUID, error: str = "bug") -> list[AnyJob]:
        return await buried(engine, cast, monkeypatch, *tasks, error=error)

    return bury


def fingerprint_of(error: str) -> str:
    """Of comments that broke with this error."""
    return fingerprint("task.comment", f"RuntimeError('{error}')")


async def letter(engine: Engine, raw: bytes) -> str:
    """The id of a new dead letter with these bytes."""
    await engine.apply([Poison(raw, "unreadable", "not JSON")])
    return str((await engine.last_dead_letter())["id"])
