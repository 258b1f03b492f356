"""Work is measured in statements, counted by the server: constant in the size of the batch."""

from collections.abc import Callable
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import (
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    ReleaseTask,
    ReportProgress,
    ReportUsage,
    RequestInput,
    StartTask,
    SubmitTask,
)
from jobs.payloads.question import Question
from jobs.payloads.task import (
    AssignTask,
    CommentTask,
    DeleteTask,
    MoveTask,
    NewDependency,
    NewTask,
    RaiseBudget,
    UpdateTask,
)
from tests.asking import Cast
from tests.engine import Engine, batch_engine
from tests.statements import count_anew, number_run

MANY = 200

Ask = Callable[[Cast, UUID], AnyJob]

WHY = Question(prompt="Why?")
LIMIT = Budget(tokens=Limit(hard=10))

CREATED: dict[str, Ask] = {
    "task.assign": lambda c, t: c.by(c.owner, AssignTask(task_id=t, worker_id=c.human)),
    "task.claim": lambda c, t: c.by(c.agent, ClaimTask(task_id=t)),
    "task.start": lambda c, t: c.by(c.human, StartTask(task_id=t)),
    "task.cancel": lambda c, t: c.by(c.owner, CancelTask(task_id=t)),
    "task.comment": lambda c, t: c.by(
        c.human, CommentTask(task_id=t, comment_id=uuid7(), body="Good")
    ),
    "task.update": lambda c, t: c.by(c.human, UpdateTask(task_id=t, title="New")),
    "task.move": lambda c, t: c.by(c.human, MoveTask(task_id=t, parent_id=None)),
    "task.block": lambda c, t: c.by(c.human, BlockTask(task_id=t, reason="Rain")),
    "task.request_input": lambda c, t: c.by(c.human, RequestInput(task_id=t, question=WHY)),
    "task.delete": lambda c, t: c.by(c.owner, DeleteTask(task_id=t)),
    "task.raise_budget": lambda c, t: c.by(c.owner, RaiseBudget(task_id=t, budget=LIMIT)),
}
CLAIMED: dict[str, Ask] = {
    "task.progress": lambda c, t: c.by(c.agent, ReportProgress(task_id=t, percent=5, token=1)),
    "task.submit": lambda c, t: c.by(c.agent, SubmitTask(task_id=t, token=1)),
    "task.complete": lambda c, t: c.by(c.agent, CompleteTask(task_id=t, token=1)),
    "task.fail": lambda c, t: c.by(c.agent, FailTask(task_id=t, token=1, reason="Broken")),
    "task.release": lambda c, t: c.by(c.agent, ReleaseTask(task_id=t, token=1)),
    "task.report_usage": lambda c, t: c.by(
        c.agent, ReportUsage(task_id=t, token=1, usage=Usage(tokens=5))
    ),
}


class Counter:
    """Statements that the worker role ran on this database since the last look."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of_each(self, first: list[AnyJob], second: list[AnyJob]) -> int:
        """Of `second`; `first` warms up: the driver asks for types once a connection."""
        await self.of(first)
        return await self.of(second)

    async def of(self, jobs: list[AnyJob]) -> int:
        await count_anew(self._engine)
        statuses = await self._engine.statuses(jobs)
        assert statuses == ["applied"] * len(jobs)
        return await number_run(self._engine, "worker")


engine = batch_engine


@pytest.fixture
def counter(engine: Engine) -> Counter:
    return Counter(engine)


async def _tasks(engine: Engine, cast: Cast, number: int, *, claimed: bool) -> list[UUID]:
    ids = [uuid7() for _ in range(number)]
    await engine.statuses([cast.task(task_id) for task_id in ids])
    if claimed:
        await engine.statuses([cast.by(cast.agent, ClaimTask(task_id=t)) for t in ids])
    return ids


async def test_creating_takes_as_many_statements_for_200_as_for_1(
    counter: Counter, cast: Cast
) -> None:
    one = await counter.of_each([cast.task()], [cast.task()])

    many = await counter.of([cast.task() for _ in range(MANY)])

    assert many == one


@pytest.mark.parametrize("kind", [*CREATED, *CLAIMED])
async def test_a_kind_takes_as_many_statements_for_200_as_for_1(
    kind: str, counter: Counter, engine: Engine, cast: Cast
) -> None:
    ask = (CREATED | CLAIMED)[kind]
    tasks = await _tasks(engine, cast, MANY + 2, claimed=kind in CLAIMED)

    one = await counter.of_each([ask(cast, tasks[0])], [ask(cast, tasks[1])])
    many = await counter.of([ask(cast, task_id) for task_id in tasks[2:]])

    assert many == one


async def test_completing_200_tasks_of_one_tree_takes_as_many_statements_as_completing_1(
    counter: Counter, engine: Engine, cast: Cast
) -> None:
    """Each has an open parent, a dependent that gets ready, and one that waits on."""
    ids = await _tree(engine, cast, MANY + 2)

    def complete(task_id: UUID) -> AnyJob:
        return cast.by(cast.human, CompleteTask(task_id=task_id))

    one = await counter.of_each([complete(ids[0])], [complete(ids[1])])
    many = await counter.of([complete(task_id) for task_id in ids[2:]])

    assert many == one
    assert await engine.count("event", cast.tenant_id, "kind = 'task.ready'") == MANY + 2


async def test_cancelling_a_large_tree_takes_as_many_statements_as_a_small_one(
    counter: Counter, engine: Engine, cast: Cast
) -> None:
    roots = [uuid7() for _ in range(3)]
    for root, size in zip(roots, (1, 1, MANY), strict=True):
        subtasks = [NewTask(task_id=uuid7(), title="Part") for _ in range(size)]
        await engine.statuses([cast.task(root, subtasks=subtasks)])
    jobs = [cast.by(cast.owner, CancelTask(task_id=root)) for root in roots]

    one = await counter.of_each(jobs[:1], jobs[1:2])
    many = await counter.of(jobs[2:])

    assert many == one


async def _tree(engine: Engine, cast: Cast, leaves: int) -> list[UUID]:
    """The leaves of one tree; for each a task waits for it alone, and another for all."""
    root, ids = uuid7(), [uuid7() for _ in range(leaves)]
    await engine.statuses(
        [cast.task(root), *(cast.task(task_id, parent_id=root) for task_id in ids)]
    )
    alone = [cast.task(depends_on=[NewDependency(task_id=task_id)]) for task_id in ids]
    for_many = [
        cast.task(depends_on=[NewDependency(task_id=i) for i in (*ids[n : n + 2], root)])
        for n in range(leaves)
    ]
    assert set(await engine.statuses([*alone, *for_many])) == {"applied"}
    return ids


async def test_dispatching_takes_as_many_statements_for_100_tasks_as_for_1(
    counter: Counter, engine: Engine, cast: Cast
) -> None:
    await _tasks(engine, cast, MANY, claimed=False)

    ask_one = DispatchTasks(limit=1)
    one = await counter.of_each([cast.by(cast.agent, ask_one)], [cast.by(cast.agent, ask_one)])
    many = await counter.of([cast.by(cast.agent, DispatchTasks(limit=100))])

    assert many == one


async def test_a_mixed_batch_takes_as_many_statements_for_200_tasks_as_for_1(
    counter: Counter, cast: Cast
) -> None:
    def life(number: int) -> list[AnyJob]:
        ids = [uuid7() for _ in range(number)]
        return [
            *(cast.task(task_id) for task_id in ids),
            *(CREATED["task.claim"](cast, task_id) for task_id in ids),
            *(CLAIMED["task.progress"](cast, task_id) for task_id in ids),
            *(CLAIMED["task.complete"](cast, task_id) for task_id in ids),
        ]

    one = await counter.of_each(life(1), life(1))
    many = await counter.of(life(MANY))

    assert many == one
