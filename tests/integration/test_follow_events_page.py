"""What `docs/how-to/follow-events.md` and `docs/reference/redis.md` say is what happens."""

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

import pytest

from jobs.entities import Event
from jobs.streaming import StreamedEvent, stream_key
from ops.checkout import CHECKOUT
from tests.streams import entries, history, keys, published
from tests.waiting import until
from tests.workers import Scene

DOCS = CHECKOUT / "docs"
PAGE = (DOCS / "how-to" / "follow-events.md").read_text()
KEYS = (DOCS / "reference" / "redis.md").read_text()
COMMANDS = re.findall(r"^redis-cli (.*)$", PAGE, re.MULTILINE)


@dataclass(slots=True)
class Memory:
    """What the reader of the page keeps."""

    last: str = "0"
    seen: dict[UUID, int] = field(default_factory=dict)


@dataclass(slots=True)
class Reactions:
    """What the reader of the page does."""

    keys: list[str] = field(default_factory=list)
    caught_up: int = 0

    async def react(self, event: StreamedEvent) -> None:
        self.keys.append(event.key)

    async def catch_up(self, _: UUID) -> None:
        self.caught_up += 1

    async def came(self, number: int) -> bool:
        return len(self.keys) >= number


@pytest.fixture
def examples() -> dict[str, Any]:
    """The functions of the page."""
    found: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, found)  # noqa: S102 - our own page
    return found


async def while_running(work: Awaitable[Any], condition: Callable[[], Awaitable[bool]]) -> None:
    """The condition became true beside endless work, which is cancelled then."""
    task = asyncio.ensure_future(work)
    await until(condition)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_example_reacts_once_to_what_comes_twice(
    scene: Scene, examples: dict[str, Any]
) -> None:
    await published(scene, 3)
    raw = await scene.redis.xrange(stream_key(scene.cast.tenant_id))
    follows = raw[-1][0]
    for _, entry in raw:
        again = {**entry, b"follows": follows}
        follows = await scene.redis.xadd(stream_key(scene.cast.tenant_id), again)
    memory, reader = Memory(), Reactions()
    arguments = (scene.producer, scene.cast.tenant_id, memory, reader.react, reader.catch_up)

    async def is_through() -> bool:
        return bool(memory.last == follows.decode())

    await while_running(examples["orchestrate"](*arguments), is_through)

    assert sorted(reader.keys) == sorted(await history(scene))
    assert reader.caught_up == 0


async def test_the_example_catches_up_where_events_are_lost(
    scene: Scene, examples: dict[str, Any]
) -> None:
    await published(scene, 10)
    seen = (await entries(scene.redis, scene.cast.tenant_id))[0]
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=4, approximate=False)
    memory, reader = Memory(last=seen.stream_id), Reactions()
    arguments = (scene.producer, scene.cast.tenant_id, memory, reader.react, reader.catch_up)

    await while_running(examples["orchestrate"](*arguments), lambda: reader.came(4))

    assert (reader.caught_up, reader.keys) == (1, await keys(scene.redis, scene.cast.tenant_id))


async def test_the_example_of_a_group_shares_the_work(
    scene: Scene, examples: dict[str, Any]
) -> None:
    await published(scene, 5)
    everything, reader = await keys(scene.redis, scene.cast.tenant_id), Reactions()

    both = asyncio.gather(
        *(
            examples["take_part"](scene.producer, scene.cast.tenant_id, name, reader.react)
            for name in ("ada", "bob")
        )
    )
    await while_running(both, lambda: reader.came(len(everything)))

    assert sorted(reader.keys) == sorted(everything)


async def test_the_commands_for_any_language_do_what_they_say(scene: Scene) -> None:
    await published(scene, 1)
    first = (await entries(scene.redis, scene.cast.tenant_id))[0]
    given = {"<tenant_id>": str(scene.cast.tenant_id), "<stream_id>": first.stream_id}
    answers: dict[str, Any] = {}

    for command in COMMANDS:
        for name, value in given.items():
            command = command.replace(name, value)  # noqa: PLW2901 - filled in
        words = shlex.split(command)
        answers[words[0]] = await scene.redis.execute_command(*words)  # type: ignore[no-untyped-call]

    total = len(await history(scene))
    assert (len(answers["XRANGE"]), len(answers["XREAD"][0][1])) == (total, total)
    assert answers["XREADGROUP"][0][1][0][0] == first.stream_id.encode()
    assert answers["XACK"] == 1


async def test_the_reference_lists_the_fields_of_an_entry(scene: Scene) -> None:
    await published(scene, 1)
    ((_, entry),) = await scene.redis.xrange(stream_key(scene.cast.tenant_id), count=1)
    of_entry, of_json = KEYS.split("| field |")[1].split("| of the JSON |")

    assert _first_cells(of_entry) == {name.decode() for name in entry}
    assert _first_cells(of_json) == {one.name for one in fields(Event)}


def _first_cells(table: str) -> set[str]:
    cells = re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
