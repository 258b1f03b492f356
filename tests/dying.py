"""Jobs that have died, for tests of what operators do with them."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from jobs.codec import Poison
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.engine import Engine
from worker.dead.dead_letters import fingerprint

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
