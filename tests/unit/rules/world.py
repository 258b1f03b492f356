"""A small world for rules: one tenant, its people, one project, and jobs one after the other.

Each job is decided twice: on all rows, and on the rows of its refs alone; both agree.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.board import Board
from jobs.entities import Lease, Project, Tally, Task, TaskStatus, Tenant, Worker, WorkerKind
from jobs.envelope import KINDS, SYSTEM_KINDS, AnyJob
from jobs.errors import JobRejected
from jobs.outcomes import Applied, Rejected
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import ClaimTask, StartTask, SubmitTask
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CreateTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job
from jobs.rules import decide
from jobs.system import system_job
from tests.unit.rules.narrowing import narrowed, snapshot

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SAYS_WHAT_TO_DO = re.compile(r"[A-Z0-9@a-f].*; [^;]+\.", re.DOTALL)
"""What is the case; what the caller can do about it."""


@dataclass(slots=True)
class World:
    """`owner` and `human` are humans, `agent` and `other` agents; `stranger` is no member."""

    board: Board
    tenant_id: UUID = field(default_factory=uuid7)
    project_id: UUID = field(default_factory=uuid7)
    owner: UUID = field(default_factory=uuid7)
    human: UUID = field(default_factory=uuid7)
    agent: UUID = field(default_factory=uuid7)
    other: UUID = field(default_factory=uuid7)
    stranger: UUID = field(default_factory=uuid7)

    def job(self, actor_id: UUID | None, payload: Payload, **envelope: Any) -> AnyJob:
        if KINDS[type(payload)] in SYSTEM_KINDS:
            return system_job(payload, self.tenant_id, NOON, uuid7())
        return new_job(payload, self.tenant_id, actor_id, **envelope)

    def do(self, actor_id: UUID | None, payload: Payload, **envelope: Any) -> dict[str, Any]:
        """What the applied job answers. The system (None) is trusted."""
        verdict = self.apply(self.job(actor_id, payload, **envelope), trusted=actor_id is None)
        assert isinstance(verdict, Applied), verdict
        return verdict.result

    def refuse(
        self,
        actor_id: UUID | None,
        payload: Payload,
        *,
        trusted: bool | None = None,
        **envelope: Any,
    ) -> Rejected:
        """Why the job is refused; nothing has changed."""
        is_trusted = actor_id is None if trusted is None else trusted
        verdict = self.apply(self.job(actor_id, payload, **envelope), trusted=is_trusted)
        assert isinstance(verdict, Rejected), verdict
        return verdict

    def refuse_on_the_board(self, actor_id: UUID | None, payload: Payload) -> Rejected:
        """Why the job is refused for what its batch has done; the database would refuse it too."""
        before = snapshot(self.board)
        verdict = _verdict(self.board, self.job(actor_id, payload), trusted=actor_id is None)
        assert isinstance(verdict, Rejected), verdict
        assert snapshot(self.board) == before
        return verdict

    def decide(self, actor_id: UUID | None, payload: Payload) -> Applied:
        """Applies the job without a second look; for large worlds."""
        return decide(self.board, self.job(actor_id, payload), trusted=actor_id is None)

    def apply(self, job: AnyJob, *, trusted: bool = False) -> Applied | Rejected:
        """The verdict on one job, by all rows of the world and by those of its refs."""
        narrow, before = narrowed(self.board, job), snapshot(self.board)
        events = len(self.board.events)
        verdict = _verdict(self.board, job, trusted=trusted)
        assert _verdict(narrow, job, trusted=trusted) == verdict
        assert narrow.events == self.board.events[events:]
        if isinstance(verdict, Rejected):
            assert snapshot(self.board) == before
            assert SAYS_WHAT_TO_DO.fullmatch(verdict.message), verdict.message
        return verdict

    def register(self, worker_id: UUID, kind: WorkerKind, **fields: Any) -> UUID:
        agent_type = "writer" if kind is WorkerKind.AGENT else None
        handle = f"@worker-{worker_id.hex[-12:]}"
        given = {"handle": handle, "name": f"A {kind}", "kind": kind, "agent_type": agent_type}
        self.do(None, RegisterWorker(worker_id=worker_id, **(given | fields)))
        return worker_id

    def create_project(self, project_id: UUID, **fields: Any) -> UUID:
        """A project of the owner, with everybody but the stranger in it."""
        given = {"slug": f"project-{project_id.hex[-12:]}", "name": "Relaunch"} | fields
        self.do(self.owner, CreateProject(project_id=project_id, **given))
        for worker_id in (self.human, self.agent, self.other):
            self.do(self.owner, AddMember(project_id=project_id, worker_id=worker_id))
        return project_id

    def create(self, *, project_id: UUID | None = None, **fields: Any) -> UUID:
        """The id of a new task by the owner."""
        given = {"task_id": uuid7(), "title": "Write the text"} | fields
        payload = CreateTask(project_id=project_id or self.project_id, **given)
        self.do(self.owner, payload)
        return payload.task_id

    def claimed(self, worker_id: UUID | None = None, **fields: Any) -> tuple[UUID, int]:
        """A task under a lease, of the agent if nobody is named; and its token."""
        task_id = self.create(**fields)
        return task_id, self.claim(worker_id or self.agent, task_id)

    def claim(self, worker_id: UUID, task_id: UUID) -> int:
        """The token of a new lease."""
        granted = self.do(worker_id, ClaimTask(task_id=task_id))["tasks"]
        return int(granted[0]["token"])

    def started(self, **fields: Any) -> UUID:
        """A task that the human works on, without a lease."""
        task_id = self.create(**fields)
        self.do(self.human, StartTask(task_id=task_id))
        return task_id

    def submitted(self, worker_id: UUID | None = None, **fields: Any) -> UUID:
        """A task that the agent, or who is named, has handed in for review."""
        task_id, token = self.claimed(worker_id, **fields)
        self.do(worker_id or self.agent, SubmitTask(task_id=task_id, token=token))
        return task_id

    def blocked(self, *, leased: bool) -> UUID:
        """A blocked task; no job leads there yet, so its row is made by hand."""
        task_id, _ = self.claimed()
        task = self.task(task_id)
        task.status = TaskStatus.BLOCKED
        if not leased:
            del self.board.leases[task.key]
        return task_id

    def pass_time(self, **duration: float) -> None:
        self.board.now += timedelta(**duration)

    def task(self, task_id: UUID) -> Task:
        return self.board.tasks[self.tenant_id, task_id]

    def project(self) -> Project:
        return self.board.projects[self.tenant_id, self.project_id]

    def worker(self, worker_id: UUID) -> Worker:
        return self.board.workers[self.tenant_id, worker_id]

    def counted(self) -> tuple[int, int]:
        """Tasks, and completed ones, as the project's counters will say."""
        project = (self.tenant_id, self.project_id)
        tally = self.board.tally.get(project, Tally(*project))
        return tally.tasks, tally.completed

    def lease(self, task_id: UUID) -> Lease | None:
        return self.board.leases.get((self.tenant_id, task_id))

    def event(self) -> tuple[str, dict[str, Any]]:
        """Kind and data of the last event."""
        last = self.board.events[-1]
        return last.kind, last.data


def new_world(**project: Any) -> World:
    """Everybody registered, everybody but the stranger a member of one active project."""
    world = World(Board(NOON))
    world.board.tenants[world.tenant_id] = Tenant(world.tenant_id, "acme", "Acme", NOON)
    for worker_id in (world.owner, world.human, world.stranger):
        world.register(worker_id, WorkerKind.HUMAN)
    for worker_id in (world.agent, world.other):
        world.register(worker_id, WorkerKind.AGENT)
    world.create_project(world.project_id, **project)
    return world


def _verdict(board: Board, job: AnyJob, *, trusted: bool) -> Applied | Rejected:
    try:
        return decide(board, job, trusted=trusted)
    except JobRejected as refusal:
        return Rejected.by(refusal, job.id)
