"""A pickle in any place where Redis holds bytes is not opened, and costs its own entry at most."""

import pickle
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from arq.jobs import DeserializationError
from arq.jobs import Job as ArqJob
from arq.worker import Worker
from redis.exceptions import ResponseError

from jobs import codec
from jobs.payloads.lifecycle import DispatchTasks
from jobs.sharing import Share
from jobs.streaming import stream_key
from jobs.wire import ready_key
from ops.queue import producer
from tests.streams import published
from tests.workers import Form, Scene
from worker.consumer import Consumer

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's

ROOT = Path(__file__).parents[2]
REFERENCE, SECURITY = ROOT / "docs" / "reference" / "redis.md", ROOT / "SECURITY.md"
HELD_BY_NOBODY_MS = 300
FIELDS = (b"key", b"kind", b"event", b"follows")
Plant = Callable[[Scene, bytes, UUID], Awaitable[object]]


class Bomb:
    """Whoever unpickles this makes the file."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.crater,)


def bomb_at(crater: Path) -> bytes:
    """In Arq's own shape, of jobs and of results."""
    return pickle.dumps({"t": 1, "f": "task.create", "a": (Bomb(crater),), "k": {}, "et": 1})


@pytest.fixture
def bomb(tmp_path: Path) -> Iterator[bytes]:
    """Whoever is given it must not set it off."""
    crater = tmp_path / "crater"
    yield bomb_at(crater)
    assert not crater.exists()


async def as_payload(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.set("arq:job:bad", bomb)
    await scene.redis.zadd("arq:queue", {"bad": 1})


async def as_name(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.zadd("arq:queue", {bomb: 1})


async def as_name_and_payload(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.set(b"arq:job:" + bomb, bomb)
    await scene.redis.zadd("arq:queue", {bomb: 1})


async def as_count_of_deliveries(scene: Scene, bomb: bytes, job_id: UUID) -> None:
    await scene.redis.set(f"arq:retry:{job_id}", bomb)


async def as_token(scene: Scene, bomb: bytes, job_id: UUID) -> None:
    await scene.redis.set(f"arq:in-progress:{job_id}", bomb, px=HELD_BY_NOBODY_MS)


async def as_abort(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.zadd("arq:abort", {bomb: time.time() * 1000})


async def as_health(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.set("arq:queue:health-check", bomb)


async def as_result(scene: Scene, bomb: bytes, job_id: UUID) -> None:
    await scene.redis.set(f"arq:result:{job_id}", bomb)


async def as_news_of_work(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.set(ready_key(scene.cast.tenant_id), bomb)


async def as_hold(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.zadd("taskrail:held:arq:queue", {bomb: 1})


async def as_stream(scene: Scene, bomb: bytes, _: UUID) -> None:
    await scene.redis.set(stream_key(scene.cast.tenant_id), bomb)


async def as_entry_of_a_stream(scene: Scene, bomb: bytes, _: UUID) -> None:
    fields: Any = dict.fromkeys((*FIELDS, bomb), bomb)
    await scene.redis.xadd(stream_key(scene.cast.tenant_id), fields)


PLACES: dict[str, list[Plant]] = {
    "arq:queue": [as_name, as_name_and_payload],
    "arq:job:<id>": [as_payload],
    "arq:in-progress:<id>": [as_token],
    "arq:retry:<id>": [as_count_of_deliveries],
    "arq:abort": [as_abort],
    "taskrail:held:<queue>": [as_hold],
    "arq:result:<id>": [as_result],
    "arq:queue:health-check": [as_health],
    "taskrail:ready:<tenant_id>": [as_news_of_work],
    "taskrail:events:<tenant_id>": [as_stream, as_entry_of_a_stream],
}
"""By the key, as the reference of Redis has it."""
PLANTS = [plant for plants in PLACES.values() for plant in plants]
OF_THE_CONSUMER: list[Plant] = [as_name, as_name_and_payload, as_count_of_deliveries]
"""Stock Arq ends at an entry whose name is no text, or whose count is no number."""
PLANTED = [
    pytest.param(form, plant)
    for plant in PLANTS
    for form in ((Consumer,) if plant in OF_THE_CONSUMER else (Consumer, Worker))
]


def test_a_bomb_is_planted_wherever_redis_holds_something() -> None:
    rows = re.findall(r"^\| (`.*?) \|", REFERENCE.read_text(), re.MULTILINE)
    keys = {key for row in rows for key in re.findall(r"`([a-z]+:[\w:<>-]+)`", row)}

    assert keys == PLACES.keys()


def test_every_place_where_a_bomb_is_planted_is_promised() -> None:
    _, _, promised = SECURITY.read_text().partition("A pickle in place of")
    promise = " ".join(promised.partition("is not opened")[0].split())

    names = {plant.__name__.removeprefix("as_").replace("_", " ") for plant in PLANTS}
    assert {name for name in names if name.replace(" and payload", "") not in promise} == set()


def test_the_bomb_is_one(tmp_path: Path) -> None:
    pickle.loads(bomb_at(tmp_path / "crater"))  # noqa: S301 - what must not happen anywhere else

    assert (tmp_path / "crater").exists()


@pytest.mark.parametrize(("form", "plant"), PLANTED)
async def test_a_pickle_is_not_opened_and_its_neighbours_are_applied(
    scene: Scene, form: Form, plant: Plant, bomb: bytes
) -> None:
    before = await scene.producer.enqueue(scene.cast.task())
    beside = scene.cast.task()
    handle = await scene.producer.enqueue(beside)
    await plant(scene, bomb, beside.id)

    async with scene.running(form):
        outcomes = [await one.outcome() for one in (before, handle)]
        after = await scene.producer.enqueue(scene.cast.task())
        outcomes.append(await after.outcome())
        found = await scene.producer.dispatch(
            DispatchTasks(limit=3), scene.cast.tenant_id, scene.cast.agent
        )

    assert [outcome["status"] for outcome in outcomes] == ["applied"] * 3
    assert len(found["result"]["tasks"]) == 3


@pytest.mark.parametrize("plant", [as_payload, as_name_and_payload])
async def test_the_bytes_of_a_pickle_are_kept(scene: Scene, plant: Plant, bomb: bytes) -> None:
    await plant(scene, bomb, scene.cast.tenant_id)

    await scene.drain(Consumer)

    letter = await scene.engine.last_dead_letter()
    assert (letter["reason"], letter["raw"]) == ("unreadable", bomb)
    assert await scene.keys() == set()


async def test_commands_ask_the_ledger_where_redis_has_a_pickle(scene: Scene, bomb: bytes) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    await scene.drain(Consumer)
    await as_result(scene, bomb, handle.job.id)

    asking = producer(scene.settings, scene.redis, scene.engine.superuser)
    outcome = await asking.outcome(scene.cast.tenant_id, handle.job.id)
    await asking.aclose()

    assert outcome["status"] == "applied"


async def test_arqs_own_readers_refuse_a_pickle(scene: Scene, bomb: bytes) -> None:
    await scene.redis.set("arq:job:bad", bomb)
    await scene.redis.set("arq:result:worse", bomb)

    for name in ("bad", "worse"):
        with pytest.raises(DeserializationError):
            await ArqJob(name, scene.redis, _deserializer=codec.load).info()


@pytest.mark.parametrize("share", [None, Share("planners", "ada")])
@pytest.mark.parametrize("field", [b"event", b"follows"])
async def test_who_follows_events_is_told_of_an_entry_that_is_a_pickle(
    scene: Scene, share: Share | None, field: bytes, bomb: bytes
) -> None:
    (key,) = await published(scene, 1)
    stream: Any = stream_key(scene.cast.tenant_id)
    ((last, good),) = await scene.redis.xrevrange(stream, count=1)
    await scene.redis.xadd(stream, good | {b"follows": last, field: bomb})

    seen: list[str] = []
    with pytest.raises(ValueError, match="is no event"):
        await follow_all(scene, share, seen)

    assert seen[-1] == key


@pytest.mark.parametrize("share", [None, Share("planners", "ada")])
async def test_who_follows_events_is_told_of_a_stream_that_is_a_pickle(
    scene: Scene, share: Share | None, bomb: bytes
) -> None:
    await as_stream(scene, bomb, scene.cast.tenant_id)

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await follow_all(scene, share, [])


async def follow_all(scene: Scene, share: Share | None, seen: list[str]) -> None:
    after = None if share else "0"
    following = scene.producer.events(scene.cast.tenant_id, after=after, share=share)
    async with aclosing(following) as events:
        while True:
            seen.append((await anext(events)).key)
