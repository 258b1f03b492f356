"""What the agents do: take tasks, report, hand in, sometimes fail, sometimes fall silent."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

from jobs.envelope import AnyPayload
from jobs.payloads.budget import Usage
from jobs.payloads.lifecycle import (
    MIN_LEASE_SECONDS,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    ProvideInput,
    ReportProgress,
    RequestInput,
    SubmitTask,
)
from jobs.payloads.question import Question
from jobs.payloads.task import CommentTask
from ops.demo.cast import Somebody
from ops.demo.desk import Desk, Outcome
from ops.demo.plan import Leaf

DISPATCH_SHARE, COMMENT_SHARE, FAIL_SHARE, REVIEW_SHARE = 0.4, 0.3, 0.08, 0.3
QUESTION_SHARE = 0.05
LEASE_SECONDS = 120
SILENCE_SECONDS = MIN_LEASE_SECONDS + 1.0
IDLE_SECONDS = 0.05
FAILURES = ("the model answered nonsense", "the build broke", "a tool timed out")


@dataclass(slots=True)
class Floor:
    """What lies on a team's table, and how many are at work: more may come of that."""

    random: Random
    lead: Somebody
    backlog: list[Leaf]
    reviews: deque[Leaf] = field(default_factory=deque)
    leaves: dict[UUID, Leaf] = field(default_factory=dict)
    at_work: int = 0
    has_failed: bool = False

    def __post_init__(self) -> None:
        self.leaves = {leaf.task_id: leaf for leaf in self.backlog}

    @property
    def is_open(self) -> bool:
        return bool(self.backlog or self.reviews or self.at_work)

    def take(self, capabilities: tuple[str, ...]) -> Leaf | None:
        """The first task of the backlog that one with these capabilities can do."""
        for place, leaf in enumerate(self.backlog):
            if leaf.capability in capabilities:
                return self.backlog.pop(place)
        return None

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
        with floor.working():
            held = await _take(desk, floor, agent)
            for leaf, token in held:
                await _do(desk, floor, agent, leaf, token)
        if not held:
            await asyncio.sleep(IDLE_SECONDS)


async def agent_falling_silent(desk: Desk, floor: Floor, silent: Somebody, other: Somebody) -> None:
    """One claims and falls silent; the other takes over; the first comes back too late."""
    with floor.working():
        claimed = await _claim(desk, floor, silent, lease_seconds=MIN_LEASE_SECONDS)
        for leaf, token in claimed:
            report = ReportProgress(task_id=leaf.task_id, token=token, percent=10)
            await desk.ask(silent.id, report)
            await asyncio.sleep(SILENCE_SECONDS)
            claim = ClaimTask(task_id=leaf.task_id, lease_seconds=LEASE_SECONDS)
            taken = await desk.ask(other.id, claim)
            await desk.ask(silent.id, CompleteTask(task_id=leaf.task_id, token=token))
            for again, new_token in _granted(floor, taken):
                await _do(desk, floor, other, again, new_token)


async def _take(desk: Desk, floor: Floor, agent: Somebody) -> list[tuple[Leaf, int]]:
    if floor.backlog and floor.random.random() < DISPATCH_SHARE:
        ask = DispatchTasks(limit=floor.random.randint(1, 3), lease_seconds=LEASE_SECONDS)
        return _granted(floor, await desk.ask(agent.id, ask))
    return await _claim(desk, floor, agent, lease_seconds=LEASE_SECONDS)


async def _claim(
    desk: Desk, floor: Floor, agent: Somebody, *, lease_seconds: int
) -> list[tuple[Leaf, int]]:
    """Whoever is quicker gets it: a claim of a task that is taken is refused."""
    leaf = floor.take(agent.capabilities)
    if leaf is None:
        return []
    claim = ClaimTask(task_id=leaf.task_id, lease_seconds=lease_seconds)
    outcome = await desk.ask(agent.id, claim)
    if outcome.get("code") == "dependencies_unmet":
        floor.backlog.append(leaf)
    return _granted(floor, outcome)


async def _do(desk: Desk, floor: Floor, agent: Somebody, leaf: Leaf, token: int) -> None:
    if floor.random.random() < QUESTION_SHARE:
        await _ask(desk, floor, agent, leaf, token)
    reports: list[AnyPayload] = [
        ReportProgress(
            task_id=leaf.task_id,
            token=token,
            percent=done,
            usage=Usage(tokens=floor.random.randint(100, 5_000), wall_seconds=1),
        )
        for done in sorted(floor.random.sample(range(5, 100), floor.random.randint(1, 4)))
    ]
    if floor.random.random() < COMMENT_SHARE:
        body = "Half of it is done."
        reports.insert(1, CommentTask(task_id=leaf.task_id, comment_id=uuid4(), body=body))
    last = _end(floor, leaf, token)
    outcomes = await desk.ask_all([(agent.id, payload) for payload in (*reports, last)])
    _sort_away(floor, leaf, last, outcomes[-1])


async def _ask(desk: Desk, floor: Floor, agent: Somebody, leaf: Leaf, token: int) -> None:
    """The agent keeps the task while it waits for the lead's word."""
    question = Question(prompt="In which tone?", choices=["warm", "dry"])
    held = {"task_id": leaf.task_id, "token": token}
    await desk.ask(agent.id, RequestInput(**held, question=question, keep_lease=True))
    await desk.ask(floor.lead.id, ProvideInput(task_id=leaf.task_id, answer="warm"))


def _end(floor: Floor, leaf: Leaf, token: int) -> FailTask | SubmitTask | CompleteTask:
    """The first try of every project fails, so that each run shows what follows."""
    if not floor.has_failed or floor.random.random() < FAIL_SHARE:
        floor.has_failed = True
        reason = floor.random.choice(FAILURES)
        return FailTask(task_id=leaf.task_id, token=token, reason=reason)
    result = {"url": f"https://relaunch.example/{leaf.task_id}"}
    if leaf.needs_review or floor.random.random() < REVIEW_SHARE:
        return SubmitTask(task_id=leaf.task_id, token=token, result=result)
    return CompleteTask(task_id=leaf.task_id, token=token, result=result)


def _sort_away(floor: Floor, leaf: Leaf, last: AnyPayload, outcome: Outcome) -> None:
    if outcome["status"] != "applied":
        return
    if isinstance(last, SubmitTask):
        floor.reviews.append(leaf)
    elif isinstance(last, FailTask) and outcome["result"]["status"] == "pending":
        floor.backlog.append(leaf)


def _granted(floor: Floor, outcome: Outcome) -> list[tuple[Leaf, int]]:
    if outcome["status"] != "applied":
        return []
    tasks = outcome["result"]["tasks"]
    granted = [(floor.leaves[UUID(task["id"])], task["token"]) for task in tasks]
    taken = {leaf for leaf, _ in granted}
    floor.backlog = [leaf for leaf in floor.backlog if leaf not in taken]
    return granted
