"""Logins of Redis can do what the documentation gives them rights for, and nothing else."""

import asyncio
import gc
from contextlib import aclosing

import pytest
from arq.connections import ArqRedis
from redis.exceptions import NoPermissionError, RedisError
from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import DispatchTasks
from jobs.producer import Producer
from ops.doctor.redis import redis as examined
from tests.rights import connected, documented, logged_in, refused
from tests.waiting import until
from tests.workers import Form, Scene
from worker.consumer import Consumer

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's

PRODUCER, ARQ_PRODUCER, WORKER = map(documented, ("producer", "arq-producer", "worker"))
EVERYBODYS = [
    "KEYS *", "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "SHUTDOWN NOSAVE",
    "MONITOR", "ACL LIST", "SAVE", "SCRIPT FLUSH", "FUNCTION FLUSH", "CLIENT LIST",
    "CLIENT KILL ID 1", "REPLICAOF NO ONE", "SUBSCRIBE x", "PUBLISH x y", "GET theirs",
    "SET theirs 1", "DEL theirs", "RESTORE arq:job:1 0 x", "MIGRATE h 1 k 0 1",
]  # fmt: skip
PRODUCERS = [
    "GET arq:job:1", "MGET arq:job:1", "SET arq:job:1 x GET", "DEL arq:job:1", "DEL arq:queue",
    "SET arq:result:1 x", "SET taskrail:ready:1 x", "ZADD taskrail:held:arq:queue 1 x",
    "ZADD arq:abort 1 x", "SET arq:in-progress:1 x", "SET arq:retry:1 9", "ZRANGE arq:queue 0 -1",
    "ZREM arq:queue 1", "EXPIRE arq:job:1 1", "RENAME arq:job:1 arq:result:1",
    "COPY arq:job:1 arq:result:1", "DUMP arq:job:1", "TYPE arq:job:1", "SCAN 0", "RANDOMKEY",
    "DBSIZE", "INFO", "EVAL return 0", "XADD taskrail:events:1 * a b",
]  # fmt: skip


PATIENT, IMPATIENT = 30.0, 2.0
"""Where all is to be well; and where something is to be refused, which many never hear of."""


async def produce(redis: ArqRedis, scene: Scene, seconds: float) -> None:
    """Everything that a producer does; a dispatch that finds nothing first is woken."""
    ask = DispatchTasks(limit=1)
    async with aclosing(Producer(redis)) as producer:
        waiting = asyncio.create_task(
            producer.dispatch(ask, scene.cast.tenant_id, scene.cast.agent, seconds=3 * seconds)
        )
        try:
            handles = await producer.enqueue_many([scene.cast.task(), scene.cast.task()])
            assert [(await one.outcome(seconds))["status"] for one in handles] == ["applied"] * 2
            again = await producer.outcome(scene.cast.tenant_id, handles[0].job.id, seconds)
            assert again["status"] == "applied"
            assert len((await waiting)["result"]["tasks"]) == 1
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def produce_plainly(redis: ArqRedis, scene: Scene, seconds: float) -> None:
    job = scene.cast.task()
    envelope = job.model_dump(mode="json", exclude_unset=True)
    queued = await redis.enqueue_job(job.kind, envelope, _job_id=str(job.id))
    assert queued is not None
    assert (await queued.result(timeout=seconds, poll_delay=0.01))["status"] == "applied"
    assert await redis.enqueue_job(job.kind, envelope, _job_id=str(job.id)) is None


WAYS = {"producer": (PRODUCER, produce), "arq-producer": (ARQ_PRODUCER, produce_plainly)}


@pytest.mark.parametrize("way", WAYS)
async def test_the_documented_rights_are_enough(scene: Scene, way: str) -> None:
    rights, work = WAYS[way]
    async with scene.running(Consumer), logged_in(scene.redis, scene.settings, rights) as settings:
        async with connected(settings) as redis:
            await work(redis, scene, PATIENT)

        assert await refused(scene.redis) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("way", "right"), [(way, r) for way in WAYS for r in WAYS[way][0]])
async def test_every_documented_right_is_needed(scene: Scene, way: str, right: str) -> None:
    rights, work = WAYS[way]
    fewer = [other for other in rights if other != right]
    async with scene.running(Consumer), logged_in(scene.redis, scene.settings, fewer) as settings:
        try:
            async with connected(settings) as redis:
                await work(redis, scene, IMPATIENT)
        except (RedisError, TimeoutError):
            # redis-py leaves a pipeline open whose UNWATCH is refused: it ends here, not later.
            gc.collect()
            return

        assert await refused(scene.redis) != []


REFUSED = {
    "producer": (PRODUCER, [*EVERYBODYS, *PRODUCERS]),
    "arq-producer": (ARQ_PRODUCER, [*EVERYBODYS, *PRODUCERS]),
    "worker": (WORKER, EVERYBODYS),
}


@pytest.mark.parametrize("user", REFUSED)
async def test_nobody_can_do_anything_else(scene: Scene, user: str) -> None:
    rights, commands = REFUSED[user]
    async with (
        logged_in(scene.redis, scene.settings, rights) as settings,
        connected(settings) as redis,
    ):
        allowed = [command for command in commands if not await _is_refused(redis, command)]

    assert allowed == []


async def test_a_script_of_a_producer_has_no_more_rights_than_he(scene: Scene) -> None:
    async with (
        logged_in(scene.redis, scene.settings, PRODUCER) as settings,
        connected(settings) as redis,
    ):
        for script in (
            "return redis.call('GET', 'arq:job:1')",
            "return redis.call('KEYS', '*')",
            "return redis.call('SET', 'arq:result:1', 'x')",
        ):
            with pytest.raises(RedisError, match="permission"):
                await redis.register_script(script)()


async def test_a_worker_has_what_it_needs(scene: Scene, form: Form) -> None:
    recorded, deferred = (
        scene.cast.task(),
        scene.cast.task().model_copy(update={"after": [uuid7()]}),
    )
    await scene.engine.record([recorded])
    async with logged_in(scene.redis, scene.settings, WORKER) as settings:
        scene.settings = settings.model_copy(update={"hold_seconds": 0.3})
        async with scene.running(form):
            await scene.producer.enqueue(deferred)
            handles = [await scene.producer.enqueue(scene.cast.task()) for _ in range(3)]
            outcomes = [await handle.outcome() for handle in handles]
            await until(lambda: _is_applied(scene, recorded.id))

        assert [outcome["status"] for outcome in outcomes] == ["applied"] * 3
        assert await refused(scene.redis) == []


async def test_the_doctor_warns_of_a_default_user_who_may_do_everything(scene: Scene) -> None:
    async with (
        logged_in(scene.redis, scene.settings, WORKER) as settings,
        connected(settings) as worker,
    ):
        locked = await examined(worker, by_socket=False)
    open_to_all = await examined(scene.redis, by_socket=False)
    own = await examined(scene.redis, by_socket=True)

    levels = [{f.subject: f.level for f in found} for found in (locked, open_to_all, own)]
    assert [found.get("redis rights") for found in levels] == ["ok", "warning", None]


async def _is_refused(redis: ArqRedis, command: str) -> bool:
    try:
        await redis.execute_command(*command.split())  # type: ignore[no-untyped-call]
    except NoPermissionError:
        return True
    except RedisError:
        return False
    return False


async def _is_applied(scene: Scene, job_id: object) -> bool:
    return (
        await scene.engine.count(
            "job", scene.cast.tenant_id, f"id = '{job_id}' AND status = 'applied'"
        )
        == 1
    )
