"""What the agents do: take tasks, report, hand in, sometimes fail, sometimes fall silent."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

from jobs.envelope import AnyPayload
from jobs.payloads.lifecycle import (
    MIN_LEASE_SECONDS,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    ReportProgress,
    SubmitTask,
)
from jobs.payloads.task import CommentTask
from ops.demo.cast import Somebody
from ops.demo.desk import Desk, Outcome

DISPATCH_SHARE, COMMENT_SHARE, FAIL_SHARE, REVIEW_SHARE = 0.4, 0.3, 0.08, 0.3
LEASE_SECONDS = 120
SILENCE_SECONDS = MIN_LEASE_SECONDS + 1.0
IDLE_SECONDS = 0.05
FAILURES = ("the model answered nonsense", "the build broke", "a tool timed out")


@dataclass(slots=True)
class Floor:
    """What lies on the table: tasks to be done and to be reviewed, and how many are at work."""

    random: Random
    backlog: deque[UUID] = field(default_factory=deque)
    reviews: deque[UUID] = field(default_factory=deque)
    critical: set[UUID] = field(default_factory=set)
    at_work: int = 0
    closing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether there is, or may yet be, something to do."""
        return bool(not self.closing or self.backlog or self.reviews or self.at_work)

    @contextmanager
    def working(self) -> Iterator[None]:
        self.at_work += 1
        try:
            yield
        finally:
            self.at_work -= 1


async def agent_at_work(desk: Desk, floor: Floor, agent: Somebody) -> None:
    """Takes and does tasks until nothing is left."""
    while floor.is_open:
        if not floor.backlog:
            await asyncio.sleep(IDLE_SECONDS)
            continue
        with floor.working():
            for task_id, token in await _take(desk, floor, agent):
                await _do(desk, floor, agent, task_id, token)


async def agent_falling_silent(desk: Desk, floor: Floor, agents: tuple[Somebody, Somebody]) -> None:
    """One claims and falls silent; the other takes over; the first comes back too late."""
    silent, other = agents
    with floor.working():
        await _fall_silent(desk, floor, silent, other)


async def _fall_silent(desk: Desk, floor: Floor, silent: Somebody, other: Somebody) -> None:
    claimed = await _claim_any(desk, floor, silent, lease_seconds=MIN_LEASE_SECONDS)
    if claimed is None:
        return
    task_id, token = claimed
    await desk.ask(silent.id, ReportProgress(task_id=task_id, token=token, progress=10))
    await asyncio.sleep(SILENCE_SECONDS)
    taken = await desk.ask(other.id, ClaimTask(task_id=task_id, lease_seconds=LEASE_SECONDS))
    await desk.ask(silent.id, CompleteTask(task_id=task_id, token=token))
    for later_id, later_token in _granted(taken):
        await _do(desk, floor, other, later_id, later_token)


async def _take(desk: Desk, floor: Floor, agent: Somebody) -> list[tuple[UUID, int]]:
    if floor.random.random() < DISPATCH_SHARE:
        ask = DispatchTasks(limit=floor.random.randint(1, 3), lease_seconds=LEASE_SECONDS)
        return _granted(await desk.ask(agent.id, ask))
    claimed = await _claim_any(desk, floor, agent, lease_seconds=LEASE_SECONDS)
    return [] if claimed is None else [claimed]


async def _claim_any(
    desk: Desk, floor: Floor, agent: Somebody, *, lease_seconds: int
) -> tuple[UUID, int] | None:
    """Whoever is quicker gets it: a claim of a task that is taken is refused."""
    if not floor.backlog:
        return None
    claim = ClaimTask(task_id=floor.backlog.popleft(), lease_seconds=lease_seconds)
    granted = _granted(await desk.ask(agent.id, claim))
    return granted[0] if granted else None


async def _do(desk: Desk, floor: Floor, agent: Somebody, task_id: UUID, token: int) -> None:
    reports: list[AnyPayload] = [
        ReportProgress(task_id=task_id, token=token, progress=done)
        for done in sorted(floor.random.sample(range(5, 100), floor.random.randint(1, 4)))
    ]
    if floor.random.random() < COMMENT_SHARE:
        reports.insert(
            1, CommentTask(task_id=task_id, comment_id=uuid4(), body="Half of it is done.")
        )
    last = _end(floor, task_id, token)
    outcomes = await desk.ask_all([(agent.id, payload) for payload in (*reports, last)])
    _sort_away(floor, task_id, last, outcomes[-1])


def _end(floor: Floor, task_id: UUID, token: int) -> FailTask | SubmitTask | CompleteTask:
    if floor.random.random() < FAIL_SHARE:
        return FailTask(task_id=task_id, token=token, reason=floor.random.choice(FAILURES))
    result = {"url": f"https://relaunch.example/{task_id}"}
    if task_id in floor.critical or floor.random.random() < REVIEW_SHARE:
        return SubmitTask(task_id=task_id, token=token, result=result)
    return CompleteTask(task_id=task_id, token=token, result=result)


def _sort_away(floor: Floor, task_id: UUID, last: AnyPayload, outcome: Outcome) -> None:
    if outcome["status"] != "applied":
        return
    if isinstance(last, SubmitTask):
        floor.reviews.append(task_id)
    elif isinstance(last, FailTask) and outcome["result"]["status"] == "pending":
        floor.backlog.append(task_id)


def _granted(outcome: Outcome) -> list[tuple[UUID, int]]:
    if outcome["status"] != "applied":
        return []
    return [(UUID(task["id"]), task["token"]) for task in outcome["result"]["tasks"]]
