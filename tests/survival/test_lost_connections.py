"""What becomes of connections that break, or that nobody hears of again: the worker outlives them.

On uvloop, as in life: it has words of its own for what was closed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest
from pydantic import SecretStr

from jobs.envelope import AnyJob
from tests.history.crippled import Crippled, crippled
from tests.history.directed import Directed
from tests.history.proxies import Proxy
from tests.waiting import until

RESETS = 20


@dataclass(frozen=True, slots=True)
class Wired:
    """A worker whose only way to Redis is this wire."""

    directed: Directed
    wire: Proxy
    worker: Crippled


@pytest.fixture
async def wired(directed: Directed) -> AsyncIterator[Wired]:
    settings = directed.scene.settings
    wire = Proxy(settings.run_dir / "valkey.sock")
    async with wire.running():
        url = SecretStr(f"redis://127.0.0.1:{wire.port}")
        async with crippled(settings.model_copy(update={"redis_url": url})) as worker:
            await directed.enqueue(_jobs(directed, 1))
            assert await directed.drained(30)
            yield Wired(directed, wire, worker)


async def test_a_worker_outlives_resets_at_any_moment(wired: Wired) -> None:
    for _ in range(RESETS):
        before = await _settled(wired)
        await wired.directed.enqueue(_jobs(wired.directed, 10))
        await until(partial(_is_at_work, wired, before), seconds=60)
        wired.wire.reset()

    assert await wired.directed.drained(60)
    assert not await wired.worker.has_ended()


async def test_a_worker_does_not_wait_for_ever_on_connections_that_are_dead(wired: Wired) -> None:
    """As when a firewall forgets them: no reset, no answer, and no one to say so."""
    await wired.directed.record(_jobs(wired.directed, 30))
    wired.wire.forget()

    is_drained = await wired.directed.drained(60)

    assert is_drained
    assert not await wired.worker.has_ended()


def _jobs(directed: Directed, number: int) -> list[AnyJob]:
    return [directed.scene.cast.task() for _ in range(number)]


async def _is_at_work(wired: Wired, before: int) -> bool:
    """More is settled than before; what was left of earlier rounds counts as well."""
    return await _settled(wired) > before


async def _settled(wired: Wired) -> int:
    rows = await wired.directed.scene.engine.execute(
        "SELECT count(*) FROM taskrail.job WHERE settled_at IS NOT NULL"
    )
    settled: int = rows[0]["count"]
    return settled
