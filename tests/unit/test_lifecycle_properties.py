"""Whole lives of tasks at random: the rules agree with the model, the history with the rows."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from uuid_utils.compat import uuid7

from jobs.changes import Own
from jobs.entities import Priority, WorkerKind
from jobs.outcomes import Applied
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import (
    ApproveTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    ExpireLease,
    FailTask,
    RejectTask,
    RenewLease,
    ReportProgress,
    StartTask,
    SubmitTask,
)
from jobs.payloads.project import AddMember
from jobs.payloads.task import AssignTask, CommentTask, CreateTask, PriorityWord
from tests.unit.rules.folding import PARTS, folded, own_columns
from tests.unit.rules.lifecycle_model import Known, Model
from tests.unit.rules.world import World, new_world

WHO = st.integers(0, 4)
WHICH = st.integers(0, 1_000_000)
TOKENS = st.sampled_from(["right", "right", "right", "none", "old"])
WORDS: dict[Priority, PriorityWord] = {
    Priority.LOW: "low",
    Priority.MEDIUM: "medium",
    Priority.HIGH: "high",
    Priority.CRITICAL: "critical",
}
HOURS = st.none() | st.integers(1, 2)


class Lives(RuleBasedStateMachine):
    """Five workers, one of them no member, one with room for two; as many tasks as come."""

    world: World
    model: Model
    people: list[UUID]
    comments: int = 0

    @initialize(policy=st.sampled_from(["none", "none", "critical", "all"]))
    def begin(self, policy: str) -> None:
        world = self.world = new_world(approval_policy=policy)
        busy = world.register(
            uuid7(), WorkerKind.AGENT, capabilities=["french"], max_concurrent_tasks=2
        )
        world.do(world.owner, AddMember(project_id=world.project_id, worker_id=busy))
        self.people = [world.owner, world.human, world.agent, busy, world.stranger]
        self.model = Model(
            now=world.board.now,
            policy=policy,
            humans={world.owner, world.human},
            abilities=dict.fromkeys(self.people[:3], frozenset[str]())
            | {busy: frozenset({"french"})},
            room={busy: 2},
        )
        self.create(
            0,
            Priority.MEDIUM,
            3,
            french=False,
            assignee=None,
            parent=None,
            due=None,
            run_after=None,
        )

    @rule(
        who=WHO,
        rank=st.sampled_from(Priority),
        assignee=st.none() | WHO,
        parent=st.none() | WHICH,
        due=HOURS,
        run_after=st.none() | st.just(1),
        french=st.booleans(),
        attempts=st.integers(1, 3),
    )
    def create(
        self, who: int, rank: Priority, attempts: int, *, french: bool, **given: Any
    ) -> None:
        parent, assignee = given["parent"], given["assignee"]
        task = Known(
            id=uuid7(),
            created_at=self.model.now,
            rank=rank,
            assignee=None if assignee is None else self.people[assignee],
            parent=None if parent is None else self._task(parent).id,
            due_at=self._in_hours(given["due"]),
            run_after=self._in_hours(given["run_after"]),
            capabilities=frozenset({"french"} if french else ()),
            max_attempts=attempts,
        )
        depth = self._depth(task)
        job = CreateTask(
            project_id=self.world.project_id,
            task_id=task.id,
            title="Task",
            priority=WORDS[rank],
            assignee_id=task.assignee,
            parent_id=task.parent,
            due_at=task.due_at,
            run_after=task.run_after,
            required_capabilities=list(task.capabilities),
            max_attempts=attempts,
        )
        allowed = depth <= 16 and self.model.create(self.people[who], task)
        self._agree(self.people[who], job, allowed=allowed)

    @rule(who=WHO, which=WHICH, worker=WHO)
    def assign(self, who: int, which: int, worker: int) -> None:
        task, actor, given_to = self._task(which), self.people[who], self.people[worker]
        job = AssignTask(task_id=task.id, worker_id=given_to)
        self._agree(actor, job, allowed=self.model.assign(actor, task, given_to))

    @rule(who=WHO, which=WHICH, seconds=st.sampled_from([5, 60, 3600]))
    def claim(self, who: int, which: int, seconds: int) -> None:
        task, actor = self._task(which), self.people[who]
        job = ClaimTask(task_id=task.id, lease_seconds=seconds)
        self._agree(actor, job, allowed=self.model.claim(actor, task, seconds))

    @rule(who=WHO, limit=st.integers(1, 4))
    def dispatch(self, who: int, limit: int) -> None:
        actor = self.people[who]
        expected = self.model.best(actor, limit)

        told = self.world.do(actor, DispatchTasks(limit=limit))["tasks"]

        assert [task["id"] for task in told] == expected
        for task_id in expected:
            assert self.model.claim(actor, self.model.tasks[task_id], 60)

    @rule(who=WHO, which=WHICH)
    def start(self, who: int, which: int) -> None:
        task, actor = self._task(which), self.people[who]
        self._agree(actor, StartTask(task_id=task.id), allowed=self.model.start(actor, task))

    @rule(who=WHO, which=WHICH, token=TOKENS, extra=st.integers(0, 100), flag=st.booleans())
    def report(self, who: int, which: int, token: str, extra: int, *, flag: bool) -> None:
        """One of the five reports, mostly by the one who may."""
        task = self._task(which)
        actor = task.holder or self.people[who] if token == "right" else self.people[who]  # noqa: S105 - a kind of token
        number = self._token(task, token)
        named = {"task_id": task.id, "token": number}
        match extra % 5:
            case 0:
                job: Payload = ReportProgress(percent=extra, **named)
                allowed = self.model.report(actor, task, number, extra)
            case 1:
                job, allowed = SubmitTask(**named), self.model.submit(actor, task, number)
            case 2:
                job = CompleteTask(cascade=flag, **named)
                allowed = self.model.complete(actor, task, number, cascade=flag)
            case 3:
                job = FailTask(reason="no", permanent=flag, **named)
                allowed = self.model.fail(actor, task, number, permanent=flag)
            case _:
                job = RenewLease(lease_seconds=120, **named)
                allowed = self.model.renew(actor, task, number, 120)
        self._agree(actor, job, allowed=allowed)

    @rule(who=WHO, which=WHICH, approved=st.booleans(), cascade=st.booleans())
    def judge(self, who: int, which: int, *, approved: bool, cascade: bool) -> None:
        """One of the tasks in review, if there are any."""
        tasks = list(self.model.tasks.values())
        judged = [task for task in tasks if task.status == "review"] or tasks
        task, actor = judged[which % len(judged)], self.people[who]
        if approved:
            job: Payload = ApproveTask(task_id=task.id, cascade=cascade)
            allowed = self.model.approve(actor, task, cascade=cascade)
        else:
            job = RejectTask(task_id=task.id, reason="too short")
            allowed = self.model.reject(actor, task)
        self._agree(actor, job, allowed=allowed)

    @rule(who=WHO, which=WHICH)
    def cancel(self, who: int, which: int) -> None:
        task, actor = self._task(which), self.people[who]
        self._agree(actor, CancelTask(task_id=task.id), allowed=self.model.cancel(actor, task))

    @rule(who=WHO, which=WHICH)
    def comment(self, who: int, which: int) -> None:
        task, actor = self._task(which), self.people[who]
        allowed = actor != self.world.stranger
        task.version += allowed
        self.comments += allowed
        job = CommentTask(task_id=task.id, comment_id=uuid7(), body="Hm")
        self._agree(actor, job, allowed=allowed)

    @rule(seconds=st.sampled_from([1, 30, 60, 3600]))
    def pass_time(self, seconds: int) -> None:
        self.model.now += timedelta(seconds=seconds)
        self.world.board.now = self.model.now

    @precondition(lambda self: any(task.token for task in self.model.tasks.values()))
    @rule(which=WHICH, older=st.integers(0, 1))
    def reap(self, which: int, older: int) -> None:
        once_leased = [task for task in self.model.tasks.values() if task.token]
        task = once_leased[which % len(once_leased)]
        token = max(1, task.token - older)
        job = ExpireLease(task_id=task.id, token=token)
        self._agree(None, job, allowed=self.model.expire(task, token))

    @invariant()
    def rows_are_as_the_model_has_them(self) -> None:
        assert len(self.world.board.tasks) == len(self.model.tasks)
        for known in self.model.tasks.values():
            task, lease = self.world.task(known.id), self.world.lease(known.id)
            assert (task.status, task.assignee_id) == (known.status, known.assignee)
            assert (task.attempt, task.progress) == (known.attempt, known.progress)
            assert (task.last_token, task.version) == (known.token, known.version)
            assert (task.started_at, task.completed_at) == (known.started_at, known.completed_at)
            assert (None if lease is None else lease.holder_id) == known.holder
            assert (None if lease is None else lease.expires_at) == known.lease_ends
            assert lease is None or lease.token == known.token

    @invariant()
    def leases_stand_where_the_states_allow_them(self) -> None:
        for task in self.world.board.tasks.values():
            leased = task.key in self.world.board.leases
            assert not leased or task.status == "in_progress"
            if task.status == "in_progress" and task.assignee_id not in self.model.humans:
                assert leased
        for worker, held in self.world.board.held.items():
            leases = self.world.board.leases.values()
            assert held == sum((lease.tenant_id, lease.holder_id) == worker for lease in leases)

    @invariant()
    def history_has_no_gaps_and_folds_to_the_rows(self) -> None:
        board = self.world.board
        entities: list[Own] = [
            *board.projects.values(),
            *board.workers.values(),
            *board.tasks.values(),
        ]
        for entity in entities:
            state = folded(board, entity)
            assert {k: v for k, v in state.items() if k not in PARTS} == own_columns(entity)
            self._fold_has_the_lease(entity.id, state.get("lease"))
        assert len(board.events) == sum(entity.version for entity in entities)

    @invariant()
    def counters_are_a_recount(self) -> None:
        board, tasks = self.world.board, self.world.board.tasks.values()
        completed = sum(task.status == "completed" for task in tasks)
        assert self.world.counted() == (len(tasks), completed)
        assert len(board.new_comments) == self.comments

    def _agree(self, actor: UUID | None, payload: Payload, *, allowed: bool) -> None:
        verdict = self.world.apply(self.world.job(actor, payload), trusted=actor is None)
        assert isinstance(verdict, Applied) is allowed, verdict

    def _task(self, which: int) -> Known:
        return list(self.model.tasks.values())[which % len(self.model.tasks)]

    def _token(self, task: Known, kind: str) -> int | None:
        if kind == "right":
            return None if task.holder is None else task.token
        return None if kind == "none" else max(1, task.token - 1)

    def _in_hours(self, hours: int | None) -> Any:
        return None if hours is None else self.model.now + timedelta(hours=hours)

    def _depth(self, task: Known) -> int:
        return 1 if task.parent is None else 1 + self._depth(self.model.tasks[task.parent])

    def _fold_has_the_lease(self, entity_id: UUID, part: dict[str, Any] | None) -> None:
        lease = self.world.lease(entity_id)
        if lease is None:
            assert part is None
        else:
            assert part is not None
            assert (part["holder_id"], part["token"]) == (lease.holder_id, lease.token)
            assert part["previous_assignee_id"] == lease.previous_assignee_id


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
