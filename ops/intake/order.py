"""Lines of one file are meant in their order: who uses a project or a worker comes after it.

Jobs about one task are chained by the producer; this chains them to the jobs that made the project
and the workers they name, so that several worker processes cannot turn a file upside down.
"""

from collections.abc import Iterable
from uuid import UUID

from jobs.envelope import MAX_AFTER, AnyJob
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.worker import RegisterWorker

RESERVED = 1
"""The producer adds the previous job about the same task."""


def in_order(jobs: Iterable[AnyJob]) -> list[AnyJob]:
    """The jobs, each after those before it that made what it names."""
    made: dict[UUID, UUID] = {}
    ordered = []
    for job in jobs:
        ordered.append(_after(job, made))
        made.update(dict.fromkeys(_makes(job), job.id))
    return ordered


def _after(job: AnyJob, made: dict[UUID, UUID]) -> AnyJob:
    before = [made[named] for named in _names(job) if named in made]
    after = list(dict.fromkeys([*job.after, *before]))
    room = max(MAX_AFTER - RESERVED, len(job.after))
    return job.model_copy(update={"after": after[:room]})


def _names(job: AnyJob) -> list[UUID]:
    refs = job.payload.refs(job.actor_id)
    actor = () if job.actor_id is None else (job.actor_id,)
    return [
        *actor, *refs.projects, *refs.changed_projects, *refs.workers, *refs.changed_workers,
    ]  # fmt: skip


def _makes(job: AnyJob) -> tuple[UUID, ...]:
    match job.payload:
        case CreateProject(project_id=project_id):
            return (project_id,)
        case AddMember(worker_id=worker_id):
            return (worker_id,)
        case RegisterWorker(worker_id=worker_id):
            return (worker_id,)
        case _:
            return ()
