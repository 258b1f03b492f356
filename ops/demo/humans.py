"""What the humans do: plan, review, drop what is not wanted, and close what is done."""

import asyncio
from uuid import UUID, uuid4

from jobs.envelope import AnyPayload
from jobs.payloads.lifecycle import (
    ApproveTask,
    CancelTask,
    CompleteTask,
    RejectTask,
    ReportProgress,
    StartTask,
)
from jobs.payloads.project import AddMember
from jobs.payloads.task import CommentTask
from ops.demo.agents import IDLE_SECONDS, Floor
from ops.demo.cast import Somebody, Team
from ops.demo.desk import Desk
from ops.demo.plan import Leaf, Relaunch

REWORK_SHARE = 0.15
REMARK = "The headline does not fit a small screen."


async def register(desk: Desk, team: Team) -> None:
    """Everybody of the team is a worker of the tenant."""
    everybody = [team.lead, team.reviewer, *team.agents]
    await desk.ask_all([(None, somebody.registration()) for somebody in everybody])


async def plan(desk: Desk, team: Team, work: Relaunch) -> None:
    """The project stands, with its members and tasks; one part of it is dropped again."""
    await desk.ask(team.lead.id, work.project)
    project_id = work.project.project_id
    steps: list[AnyPayload] = [
        AddMember(project_id=project_id, worker_id=somebody.id)
        for somebody in (team.reviewer, *team.agents)
    ]
    steps += [*work.phases, work.dropped]
    steps.append(CancelTask(task_id=work.dropped.task_id, reason="Nobody reads brochures."))
    await desk.ask_all([(team.lead.id, step) for step in steps])


async def reviewer(desk: Desk, floor: Floor, human: Somebody) -> None:
    """Reviews until nothing is left."""
    while floor.is_open:
        batch = list(floor.reviews)
        floor.reviews.clear()
        if not batch:
            await asyncio.sleep(IDLE_SECONDS)
            continue
        with floor.working():
            await _review(desk, floor, human, batch)


async def close(desk: Desk, team: Team, work: Relaunch) -> None:
    """The lead ends each phase; subtasks that are still open are cancelled with it."""
    steps: list[AnyPayload] = []
    for phase in work.phases:
        steps += [
            StartTask(task_id=phase.task_id),
            ReportProgress(task_id=phase.task_id, percent=90),
            CompleteTask(task_id=phase.task_id, cascade=True),
        ]
    await desk.ask_all([(team.lead.id, step) for step in steps])


async def _review(desk: Desk, floor: Floor, human: Somebody, batch: list[Leaf]) -> None:
    rework = [leaf for leaf in batch if floor.random.random() < REWORK_SHARE]
    requests: list[tuple[UUID | None, AnyPayload]] = [
        (human.id, ApproveTask(task_id=leaf.task_id)) for leaf in batch if leaf not in rework
    ]
    for leaf in rework:
        comment = CommentTask(task_id=leaf.task_id, comment_id=uuid4(), body=REMARK)
        reject = RejectTask(task_id=leaf.task_id, reason=REMARK)
        requests += [(human.id, comment), (human.id, reject)]
    await desk.ask_all(requests)
    floor.backlog.extend(rework)
