"""Why a job about projects and workers is refused."""

from uuid import UUID

from tests.model.act import Act
from tests.model.refusals import Reasons


def create_project(act: Act) -> Reasons:
    if act.state.is_taken(act.job.project_id) or _is_slug_taken(act):
        yield "already_exists"
    owner = act.job.owner_id or act.actor
    if owner is None:
        yield "invalid"
    elif owner not in act.state.workers:
        yield "not_found"
    elif not act.state.workers[owner].is_active:
        yield "not_allowed"


def update_project(act: Act) -> Reasons:
    given = act.job.model_fields_set
    if given & {"slug", "approval_policy", "budget"} and not act.is_owners:
        yield "not_allowed"
    if act.job.expected_version not in {None, act.project.version}:
        yield "version_conflict"
    if act.job.slug is not None and _is_slug_taken(act):
        yield "already_exists"


def archive(act: Act) -> Reasons:
    yield from owners(act)
    if act.project.is_archived:
        yield "illegal_transition"


def unarchive(act: Act) -> Reasons:
    yield from owners(act)
    if not act.project.is_archived:
        yield "illegal_transition"


def delete_project(act: Act) -> Reasons:
    """Not while somebody is at work in it."""
    yield from owners(act)
    tasks = act.state.tasks.values()
    if any(task.lease is not None and task.project == act.project.id for task in tasks):
        yield "not_allowed"


def restore_project(act: Act) -> Reasons:
    yield from owners(act)
    if not act.project.is_deleted:
        yield "not_allowed"
    elif _has_live_namesake(act, act.project.slug):
        yield "already_exists"


def add_member(act: Act) -> Reasons:
    yield from owners(act)
    worker = act.state.workers.get(act.job.worker_id)
    if worker is None:
        yield "not_found"
        return
    if worker.id in act.project.members:
        yield "already_exists"
    if act.project.is_archived or not worker.is_active:
        yield "not_allowed"


def remove_member(act: Act) -> Reasons:
    """The owner stays."""
    yield from owners(act)
    if act.job.worker_id not in act.project.members:
        yield "not_found"
    if act.job.worker_id == act.project.owner:
        yield "not_allowed"


def owners(act: Act) -> Reasons:
    """Owner's acts are nobody else's."""
    if not act.is_owners:
        yield "not_allowed"


def register(act: Act) -> Reasons:
    if act.state.is_taken(act.job.worker_id) or _is_handle_taken(act):
        yield "already_exists"


def update_worker(act: Act) -> Reasons:
    worker = act.state.workers[act.job.worker_id]
    yield from _not_himself(act, worker.id)
    if act.job.expected_version not in {None, worker.version}:
        yield "version_conflict"
    if act.job.handle is not None and _is_handle_taken(act):
        yield "already_exists"
    given = act.job.model_fields_set
    if (worker.is_human and "agent_type" in given) or (not worker.is_human and act.job.email):
        yield "invalid"


def deactivate(act: Act) -> Reasons:
    yield from _not_himself(act, act.job.worker_id)
    if not act.state.workers[act.job.worker_id].is_active:
        yield "not_allowed"


def reactivate(act: Act) -> Reasons:
    if not act.is_humans or act.state.workers[act.job.worker_id].is_active:
        yield "not_allowed"


def _not_himself(act: Act, worker_id: UUID) -> Reasons:
    """Agents change nobody but themselves."""
    if act.actor != worker_id and not act.is_humans:
        yield "not_allowed"


def _is_slug_taken(act: Act) -> bool:
    return _has_live_namesake(act, act.job.slug)


def _has_live_namesake(act: Act, slug: str) -> bool:
    return any(
        project.slug == slug and not project.is_deleted and project.id != act.job.project_id
        for project in act.state.projects.values()
    )


def _is_handle_taken(act: Act) -> bool:
    return any(
        worker.handle == act.job.handle and worker.id != act.job.worker_id
        for worker in act.state.workers.values()
    )
