"""A server is lost while operators deal with a group: what was done is told, and what was not."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from arq.constants import retry_key_prefix
from uuid_utils.compat import uuid7

from db.reads.dead import Dead, find_dead
from db.reads.dead_filters import ALL_DEAD
from db.repositories.interventions import Act
from jobs.errors import StoreUnavailable
from jobs.wire import queue_id
from ops.dead.acting import Done, discarded, replayed
from ops.dead.telling import tell_done
from settings import Settings
from tests.dying import buried
from tests.rights import logged_in
from tests.workers import Scene

Do = Callable[[Sequence[Dead], Act, Settings], Awaitable[Done]]

ADA = Act("ada", "a test")
SHUT_DOWN = """
    CREATE FUNCTION public.shut_down() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'shut down' USING ERRCODE = '57P01'; END $$
"""


@pytest.fixture
async def dead(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[Dead]:
    """Three, each a chunk of its own."""
    monkeypatch.setattr("ops.dead.acting.CHUNK", 1)
    await buried(scene.engine, scene.cast, monkeypatch, uuid7(), uuid7(), uuid7())
    async with scene.engine.superuser.connect() as connection:
        return await find_dead(connection, ALL_DEAD, limit=3)


async def lose_the_store_at(scene: Scene, dead: Dead) -> None:
    await scene.engine.execute(SHUT_DOWN)
    await scene.engine.execute(
        "CREATE TRIGGER lost BEFORE INSERT ON taskrail.intervention FOR EACH ROW"
        f" WHEN (NEW.job_id = '{dead.id}') EXECUTE FUNCTION public.shut_down()"
    )


async def test_what_was_replayed_before_redis_was_lost_is_told(
    scene: Scene, dead: list[Dead], capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = dead
    rights = [f"~{retry_key_prefix}{queue_id(first.id)}", "+@all"]

    async with logged_in(scene.redis, scene.settings, rights) as settings:
        done = await replayed(dead, ADA, settings)
    with pytest.raises(SystemExit) as ended:
        tell_done(done, {"dry_run": False, "has_more": False}, verb="replayed", as_json=False)

    assert (done.acted, [left.dead for left in done.left]) == ([first], others)
    assert await scene.engine.count("job", scene.cast.tenant_id, "status = 'accepted'") == 1
    assert (ended.value.code, capsys.readouterr().err) == (1, "1 replayed, 2 left alone.\n")


@pytest.mark.parametrize("do", [replayed, discarded])
async def test_what_was_done_before_the_store_was_lost_is_told(
    scene: Scene, dead: list[Dead], do: Do
) -> None:
    first, second, third = dead
    await lose_the_store_at(scene, second)

    done = await do(dead, ADA, scene.settings)

    assert (done.acted, [left.dead for left in done.left]) == ([first], [second, third])
    assert all("shut down" in left.why for left in done.left)


async def test_if_nothing_was_done_the_error_says_why(scene: Scene, dead: list[Dead]) -> None:
    await lose_the_store_at(scene, dead[0])

    with pytest.raises(StoreUnavailable, match="shut down"):
        await replayed(dead, ADA, scene.settings)

    assert await scene.engine.count("job", scene.cast.tenant_id, "status = 'buried'") == 3
