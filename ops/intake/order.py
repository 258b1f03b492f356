"""Lines of one file are meant in their order, and several workers must not turn it upside down.

Jobs about one task are chained by the producer. Here each job is put behind the jobs before it that
made the project and the workers it names, and behind the last ones about its task's subtasks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from jobs.envelope import MAX_AFTER, AnyJob
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CreateTask
from jobs.payloads.worker import RegisterWorker

RESERVED = 1
"""Of `after`, for the producer: it adds the previous job about the same task."""


def in_order(jobs: Iterable[AnyJob]) -> list[AnyJob]:
    """The same jobs, each after those before it that it rests on."""
    earlier = _Earlier()
    return [earlier.before(job) for job in jobs]


@dataclass(slots=True)
class _Earlier:
    """`made`: by project or worker the job that made it; `below`: by task its subtasks' last."""

    made: dict[UUID, UUID] = field(default_factory=dict)
    parents: dict[UUID, UUID] = field(default_factory=dict)
    below: dict[UUID, dict[UUID, UUID]] = field(default_factory=dict)

    def before(self, job: AnyJob) -> AnyJob:
        after = list(dict.fromkeys([*job.after, *self._rests_on(job)]))
        room = max(MAX_AFTER - RESERVED, len(job.after))
        self._remember(job)
        return job.model_copy(update={"after": after[:room]})

    def _rests_on(self, job: AnyJob) -> Iterator[UUID]:
        refs = job.payload.refs(job.actor_id)
        for task_id in refs.tasks:
            yield from self.below.get(task_id, {}).values()
        named = [*refs.changed_projects, *refs.projects, *refs.changed_workers, *refs.workers]
        for entity_id in (job.actor_id, *named):
            if entity_id in self.made:
                yield self.made[entity_id]

    def _remember(self, job: AnyJob) -> None:
        match job.payload:
            case CreateProject(project_id=made) | RegisterWorker(worker_id=made):
                self.made[made] = job.id
            case AddMember(worker_id=made):
                self.made[made] = job.id
            case CreateTask() as tree:
                for task, _ in tree.tree():
                    self.parents.update((below.task_id, task.task_id) for below in task.subtasks)
        for task_id in job.payload.refs(job.actor_id).tasks:
            if task_id in self.parents:
                self.below.setdefault(self.parents[task_id], {})[task_id] = job.id
