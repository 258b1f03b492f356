"""Jobs that have died, for tests of what operators do with them; and all rows, to compare."""

from typing import Any
from uuid import UUID

import pytest

from db.models import metadata
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.engine import Engine


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
