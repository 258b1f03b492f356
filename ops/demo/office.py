"""What a lead does beside the work itself: a small project in which every other act happens once.

Each step is asked for in its turn, and what it needs was done by the steps before it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import (
    ApproveTask,
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    FailTask,
    ProvideInput,
    RejectTask,
    ReleaseTask,
    RenewLease,
    ReopenTask,
    ReportUsage,
    RequestInput,
    RetryTask,
    StartTask,
    SubmitTask,
    UnblockTask,
)
from jobs.payloads.project import (
    AddMember,
    ArchiveProject,
    ArchiveTasks,
    CompleteTasks,
    CreateProject,
    DeleteProject,
    RemoveMember,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.payloads.question import Question
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CreateTask,
    DeleteTask,
    MoveTask,
    RaiseBudget,
    RemoveDependency,
    RestoreTask,
    UnassignTask,
    UpdateTask,
)
from jobs.payloads.worker import DeactivateWorker, ReactivateWorker, UpdateWorker
from jobs.recurrence import Recurrence
from ops.demo.cast import Team
from ops.demo.desk import Desk, Outcome

REMINDED_BEFORE_DUE = timedelta(minutes=5)
"""The last reminder; the demo is over before an earlier one would come."""
SOON = timedelta(seconds=2)


@dataclass(slots=True)
class Office:
    """The side project of one team."""

    desk: Desk
    team: Team
    slug: str
    project_id: UUID = field(default_factory=uuid7)

    async def open(self) -> None:
        """The project stands, with everybody in it."""
        lead = self.team.lead.id
        project = CreateProject(project_id=self.project_id, slug=self.slug, name="The office")
        await self.desk.ask(lead, project)
        for somebody in (self.team.reviewer, *self.team.agents):
            member = AddMember(project_id=self.project_id, worker_id=somebody.id)
            await self.desk.ask(lead, member)

    async def run(self) -> None:
        """Every act happens."""
        await self.open()
        await self._tidy_a_tree()
        await self._hand_around()
        await self._get_stuck()
        await self._ask_a_question()
        await self._spend_too_much()
        await self._review_twice()
        await self._change_ones_mind()
        await self._plan_ahead()
        await self._run_the_staff()
        await self._close_down()

    async def _tidy_a_tree(self) -> None:
        lead = self.team.lead.id
        titles = ("Newsletter", "Letter", "Stamps")
        newsletter, letter, stamps = [await self._create(title) for title in titles]
        await self.desk.ask(lead, UpdateTask(task_id=letter, title="Letter to all", tags=["mail"]))
        await self.desk.ask(lead, MoveTask(task_id=letter, parent_id=newsletter))
        edge = {"task_id": letter, "depends_on_id": stamps}
        await self.desk.ask(lead, AddDependency(**edge))
        await self.desk.ask(lead, RemoveDependency(**edge))
        await self.desk.ask(lead, DeleteTask(task_id=newsletter, reason="Nobody reads it."))
        await self.desk.ask(lead, RestoreTask(task_id=newsletter))

    async def _hand_around(self) -> None:
        lead, agent = self.team.lead.id, self.team.agents[0].id
        task = await self._create("Collect quotes")
        await self.desk.ask(lead, AssignTask(task_id=task, worker_id=self.team.reviewer.id))
        await self.desk.ask(lead, UnassignTask(task_id=task))
        token = await self._claim(agent, task)
        await self.desk.ask(agent, RenewLease(task_id=task, token=token))
        await self.desk.ask(agent, ReleaseTask(task_id=task, token=token, reason="Not my trade."))
        await self._claim(agent, task)
        await self.desk.ask(lead, ReleaseTask(task_id=task, force=True, reason="Too slow."))

    async def _get_stuck(self) -> None:
        agent, task = self.team.agents[0].id, await self._create("Book a room")
        token = await self._claim(agent, task)
        await self.desk.ask(agent, BlockTask(task_id=task, token=token, reason="All are taken."))
        await self.desk.ask(self.team.lead.id, UnblockTask(task_id=task))

    async def _ask_a_question(self) -> None:
        agent, task = self.team.agents[0].id, await self._create("Order cake")
        token = await self._claim(agent, task)
        question = Question(prompt="Which one?", choices=["apple", "cherry"])
        held = {"task_id": task, "token": token}
        await self.desk.ask(agent, RequestInput(**held, question=question, keep_lease=True))
        await self.desk.ask(self.team.reviewer.id, ProvideInput(task_id=task, answer="cherry"))
        await self.desk.ask(agent, CompleteTask(**held))

    async def _spend_too_much(self) -> None:
        agent = self.team.agents[0].id
        limit = Budget(tokens=Limit(soft=500, hard=1_000))
        task = await self._create("Read the archive", budget=limit)
        token = await self._claim(agent, task)
        for tokens in (600, 600):
            usage = Usage(tokens=tokens, wall_seconds=1)
            await self.desk.ask(agent, ReportUsage(task_id=task, token=token, usage=usage))
        more = Budget(tokens=Limit(soft=1_500, hard=2_000))
        await self.desk.ask(self.team.lead.id, RaiseBudget(task_id=task, budget=more))
        token = await self._claim(agent, task)
        usage = Usage(tokens=200, money_micros=30_000)
        await self.desk.ask(agent, SubmitTask(task_id=task, token=token, usage=usage))

    async def _review_twice(self) -> None:
        agent, task = self.team.agents[0].id, await self._create("Write the menu")
        for judgement in (
            RejectTask(task_id=task, reason="Where is the soup?"),
            ApproveTask(task_id=task),
        ):
            token = await self._claim(agent, task)
            await self.desk.ask(agent, SubmitTask(task_id=task, token=token))
            await self.desk.ask(self.team.reviewer.id, judgement)

    async def _change_ones_mind(self) -> None:
        lead, agent = self.team.lead.id, self.team.agents[0].id
        task = await self._create("Paint the door")
        token = await self._claim(agent, task)
        no_use = FailTask(task_id=task, token=token, reason="No brush.", permanent=True)
        await self.desk.ask(agent, no_use)
        await self.desk.ask(lead, RetryTask(task_id=task))
        await self.desk.ask(lead, CancelTask(task_id=task))
        await self.desk.ask(lead, ReopenTask(task_id=task, reason="It is ugly."))

    async def _plan_ahead(self) -> None:
        """One task comes again, another is due in five minutes: its reminder comes soon."""
        reviewer, now = self.team.reviewer.id, datetime.now(UTC)
        weekly = Recurrence(rule="FREQ=WEEKLY", trigger="both")
        water = await self._create(
            "Water the plants", due_at=now + SOON, recurrence=weekly, assignee_id=reviewer
        )
        await self._create(
            "Call the landlord", due_at=now + REMINDED_BEFORE_DUE + SOON, assignee_id=reviewer
        )
        daily = Recurrence(rule="FREQ=DAILY", trigger="on_due", max_occurrences=2)
        await self._create("Open the post", due_at=now + SOON, recurrence=daily)
        await self.desk.ask(reviewer, StartTask(task_id=water))
        await self.desk.ask(reviewer, CompleteTask(task_id=water))

    async def _run_the_staff(self) -> None:
        """An agent learns something, leaves the project, is off for a while, and comes back."""
        lead, agent = self.team.lead.id, self.team.agents[-1]
        skills = [*agent.capabilities, "bookkeeping"]
        leaving = RemoveMember(project_id=self.project_id, worker_id=agent.id)
        await self.desk.ask(lead, UpdateWorker(worker_id=agent.id, capabilities=skills))
        await self.desk.ask(lead, leaving)
        await self.desk.ask(lead, DeactivateWorker(worker_id=agent.id))
        await self.desk.ask(lead, ReactivateWorker(worker_id=agent.id))

    async def _close_down(self) -> None:
        lead, project = self.team.lead.id, {"project_id": self.project_id}
        await self.desk.ask(lead, UpdateProject(**project, description="Everything else."))
        await self.desk.ask(lead, CompleteTasks(**project, limit=3))
        await self.desk.ask(lead, ArchiveTasks(**project, limit=100, reason="Done."))
        await self.desk.ask(lead, ArchiveProject(**project))
        await self.desk.ask(lead, UnarchiveProject(**project))
        await self.desk.ask(lead, DeleteProject(**project))
        await self.desk.ask(lead, RestoreProject(**project))

    async def _create(self, title: str, **fields: object) -> UUID:
        given = {"project_id": self.project_id, "task_id": uuid7(), "title": title} | fields
        payload = CreateTask.model_validate(given)
        await self.desk.ask(self.team.lead.id, payload)
        return payload.task_id

    async def _claim(self, worker_id: UUID, task_id: UUID) -> int:
        """The token of the new lease."""
        outcome: Outcome = await self.desk.ask(worker_id, ClaimTask(task_id=task_id))
        return int(outcome["result"]["tasks"][0]["token"])
