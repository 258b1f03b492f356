"""One batch's reading: what is wanted, what is known so far."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from db.loading.wanted import Keys, Wanted
from db.unit_of_work import UnitOfWork
from jobs.board import Board
from jobs.entities import Key, Task
from jobs.envelope import AnyJob

UNREAD = datetime.min.replace(tzinfo=UTC)
"""The board's time until the clock has been read; no rule runs before."""


@dataclass(slots=True)
class Reading:
    """`project_of`: of the named tasks that exist. `existing`: tasks that the board should have.

    `asked`: those that were to be locked; not on the board, they are somebody else's at the moment.
    `left`: projects that somebody leaves, whose trees are held alone.
    """

    uow: UnitOfWork
    wanted: Wanted
    wait: bool
    board: Board = field(default_factory=lambda: Board(now=UNREAD))
    project_of: dict[Key, UUID] = field(default_factory=dict)
    existing: Keys = field(default_factory=set)
    asked: Keys = field(default_factory=set)
    left: Keys = field(default_factory=set)

    @classmethod
    def of(cls, uow: UnitOfWork, jobs: list[AnyJob], *, wait: bool) -> "Reading":
        wanted = Wanted()
        for job in jobs:
            wanted.add(job, job.payload.refs(job.actor_id))
        return cls(uow, wanted, wait)

    def projects(self, tasks: Keys) -> Keys:
        """The projects of those tasks that exist."""
        return {(key[0], self.project_of[key]) for key in tasks & self.project_of.keys()}

    async def lock(self, tasks: Keys) -> None:
        """Puts the tasks on the board, for changes."""
        self.existing |= tasks
        self.asked |= tasks
        self.put(await self.uow.tasks.lock(tasks, wait=self.wait))

    def put(self, tasks: list[Task]) -> None:
        self.board.tasks.update((task.key, task) for task in tasks)
