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
from ops.demo.cast import Cast, Somebody
from ops.demo.desk import Desk
from ops.demo.plan import Relaunch

REVIEWS_AT_ONCE = 8
REWORK_SHARE = 0.15
REMARK = "The headline does not fit a small screen."


async def register(desk: Desk, cast: Cast) -> None:
    """Everybody of the cast is a worker of the tenant."""
    everybody = [*cast.humans, *cast.agents]
    await desk.ask_all([(None, somebody.registration()) for somebody in everybody])


async def plan(desk: Desk, floor: Floor, cast: Cast, work: Relaunch) -> None:
    """The project stands, with its members and tasks; one part is dropped again."""
    lead = cast.lead.id
    await desk.ask(lead, work.project)
    project_id = work.project.project_id
    others = [*cast.humans[1:], *cast.agents]
    members = [AddMember(project_id=project_id, worker_id=somebody.id) for somebody in others]
    await desk.ask_all([(lead, member) for member in members])
    await desk.ask_all([(lead, task) for task in (*work.phases, work.dropped)])
    cancel = CancelTask(task_id=work.dropped.task_id, reason="Nobody reads brochures any more.")
    await desk.ask(lead, cancel)
    floor.critical |= work.critical
    floor.backlog.extend(floor.random.sample(work.leaves, len(work.leaves)))


async def reviewer(desk: Desk, floor: Floor, human: Somebody) -> None:
    """Reviews until nothing is left."""
    while floor.is_open:
        batch = [floor.reviews.popleft() for _ in range(min(len(floor.reviews), REVIEWS_AT_ONCE))]
        if not batch:
            await asyncio.sleep(IDLE_SECONDS)
            continue
        with floor.working():
            await _review(desk, floor, human, batch)


async def close(desk: Desk, cast: Cast, work: Relaunch) -> None:
    """The lead ends each phase; subtasks that are still open are cancelled with it."""
    for phase in work.phases:
        steps: list[AnyPayload] = [
            StartTask(task_id=phase.task_id),
            ReportProgress(task_id=phase.task_id, progress=90),
            CompleteTask(task_id=phase.task_id, cascade=True),
        ]
        await desk.ask_all([(cast.lead.id, step) for step in steps])


async def _review(desk: Desk, floor: Floor, human: Somebody, batch: list[UUID]) -> None:
    rework = [task_id for task_id in batch if floor.random.random() < REWORK_SHARE]
    requests: list[tuple[UUID | None, AnyPayload]] = [
        (human.id, ApproveTask(task_id=task_id)) for task_id in batch if task_id not in rework
    ]
    for task_id in rework:
        comment = CommentTask(task_id=task_id, comment_id=uuid4(), body=REMARK)
        requests += [(human.id, comment), (human.id, RejectTask(task_id=task_id, reason=REMARK))]
    await desk.ask_all(requests)
    floor.backlog.extend(rework)
