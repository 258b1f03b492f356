"""The model's verdict on a job: the reasons why it would be refused, or none and its effect."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from jobs.payloads import lifecycle, project, task, worker
from jobs.payloads.base import Payload
from tests.model import bulk, dispatch, effects, refusals, refusals_of_form, refusals_of_places
from tests.model import effects_of_form as form
from tests.model import effects_on_places as places
from tests.model.act import Act, Request, note
from tests.model.state import State

Refusal = Callable[[Act], Iterator[str]]
Effect = Callable[[Act], None]


def nothing(_: Act) -> Iterator[str]:
    yield from ()


ABOUT_TASKS: dict[type[Payload], tuple[Refusal, Effect]] = {
    lifecycle.ClaimTask: (refusals.claim, effects.claim),
    lifecycle.StartTask: (refusals.start, effects.start),
    lifecycle.RenewLease: (refusals.renew, effects.renew),
    lifecycle.ReportProgress: (refusals.report, effects.progress),
    lifecycle.ReportUsage: (refusals.report, effects.report_usage),
    lifecycle.ReleaseTask: (refusals.release, effects.release),
    lifecycle.BlockTask: (refusals.block, effects.block),
    lifecycle.RequestInput: (refusals.block, effects.request_input),
    lifecycle.UnblockTask: (refusals.unblock, effects.unblock),
    lifecycle.ProvideInput: (refusals.provide_input, effects.unblock),
    lifecycle.SubmitTask: (refusals.report, effects.submit),
    lifecycle.ApproveTask: (refusals.approve, effects.approve),
    lifecycle.RejectTask: (refusals.reject, effects.reject),
    lifecycle.CompleteTask: (refusals.complete, effects.complete_task),
    lifecycle.FailTask: (refusals.report, effects.fail),
    lifecycle.RetryTask: (refusals.retry, effects.retry),
    lifecycle.CancelTask: (refusals.cancel, effects.cancel_task),
    lifecycle.ReopenTask: (refusals.reopen, effects.reopen),
    task.UpdateTask: (refusals_of_form.update, form.update),
    task.MoveTask: (refusals_of_form.move, form.move),
    task.AssignTask: (refusals_of_form.assign, form.assign),
    task.UnassignTask: (refusals_of_form.unassign, form.unassign),
    task.RaiseBudget: (refusals_of_form.raise_budget, effects.raise_budget),
    task.AddDependency: (refusals_of_form.add_dependency, form.add_dependency),
    task.RemoveDependency: (refusals_of_form.remove_dependency, form.remove_dependency),
    task.CommentTask: (refusals_of_form.comment, form.comment),
    task.DeleteTask: (nothing, effects.delete_task),
}
ABOUT_TASKS_THAT_MAY_BE_GONE: dict[type[Payload], tuple[Refusal, Effect]] = {
    task.RestoreTask: (refusals_of_form.restore, effects.restore),
}
OF_THE_SYSTEM: dict[type[Payload], tuple[Refusal, Effect]] = {
    task.PurgeTask: (refusals_of_form.purge, effects.purge),
    lifecycle.ExpireLease: (refusals_of_form.expire, effects.expire),
}
IN_PROJECTS: dict[type[Payload], tuple[Refusal, Effect]] = {
    task.CreateTask: (refusals_of_form.create, form.create),
    project.UpdateProject: (refusals_of_places.update_project, places.update_project),
    project.ArchiveProject: (refusals_of_places.archive, places.archive),
    project.UnarchiveProject: (refusals_of_places.unarchive, places.unarchive),
    project.DeleteProject: (refusals_of_places.delete_project, places.delete_project),
    project.AddMember: (refusals_of_places.add_member, places.add_member),
    project.RemoveMember: (refusals_of_places.remove_member, places.remove_member),
    project.CompleteTasks: (nothing, bulk.complete_tasks),
    project.ArchiveTasks: (refusals_of_places.owners, bulk.archive_tasks),
}
OF_PROJECTS_THAT_MAY_BE_GONE: dict[type[Payload], tuple[Refusal, Effect]] = {
    project.RestoreProject: (refusals_of_places.restore_project, places.restore_project),
}
ABOUT_WORKERS: dict[type[Payload], tuple[Refusal, Effect]] = {
    worker.UpdateWorker: (refusals_of_places.update_worker, places.update_worker),
    worker.DeactivateWorker: (refusals_of_places.deactivate, places.deactivate),
    worker.ReactivateWorker: (refusals_of_places.reactivate, places.reactivate),
}
OF_ONES_OWN: dict[type[Payload], tuple[Refusal, Effect]] = {
    worker.RegisterWorker: (refusals_of_places.register, places.register),
    project.CreateProject: (refusals_of_places.create_project, places.create_project),
    lifecycle.DispatchTasks: (nothing, dispatch.dispatch),
}
FOR_ONESELF = {lifecycle.ClaimTask, lifecycle.StartTask, lifecycle.DispatchTasks}
ALL = {
    **ABOUT_TASKS,
    **ABOUT_TASKS_THAT_MAY_BE_GONE,
    **OF_THE_SYSTEM,
    **IN_PROJECTS,
    **OF_PROJECTS_THAT_MAY_BE_GONE,
    **ABOUT_WORKERS,
    **OF_ONES_OWN,
}


def judge(state: State, request: Request, job_id: UUID) -> set[str]:
    """The codes that the job may be refused with; if there is none, the state is changed."""
    actor, job = request
    act = Act(state, actor, job, job_id)
    reasons = set(_not_there(act)) | set(_not_at_all(act)) or set(_not_a_member(act))
    kind = type(job)
    reasons = reasons or set(ALL[kind][0](act))
    if not reasons:
        waiting = _waiting(state)
        ALL[kind][1](act)
        _tell_who_is_ready(state, waiting)
    return reasons


def _not_there(act: Act) -> Iterator[str]:
    """What was deleted is not there, but for those who restore it."""
    kind, job, state = type(act.job), act.job, act.state
    is_there: Any = True
    if kind in ABOUT_TASKS:
        is_there = state.live_task(job.task_id)
    elif kind in ABOUT_TASKS_THAT_MAY_BE_GONE:
        is_there = job.task_id in state.tasks and state.live_project(act.project.id)
    elif kind in OF_THE_SYSTEM:
        is_there = job.task_id in state.tasks
    elif kind in IN_PROJECTS:
        is_there = state.live_project(job.project_id)
    elif kind in OF_PROJECTS_THAT_MAY_BE_GONE:
        is_there = job.project_id in state.projects
    elif kind in ABOUT_WORKERS:
        is_there = job.worker_id in state.workers
    if not is_there:
        yield "not_found"


def _not_at_all(act: Act) -> Iterator[str]:
    """Nobody acts who is unknown or deactivated; the system takes no tasks."""
    if act.actor is None:
        if type(act.job) in FOR_ONESELF:
            yield "not_allowed"
        return
    worker = act.state.workers.get(act.actor)
    if worker is None:
        yield "not_found"
    elif not worker.is_active:
        yield "not_allowed"


def _not_a_member(act: Act) -> Iterator[str]:
    """Of an archived project either may be said: nobody begins anything in it, member or not."""
    is_in_project = type(act.job) not in {**ABOUT_WORKERS, **OF_ONES_OWN}
    if is_in_project and act.actor is not None and act.actor not in act.project.members:
        yield "not_a_member"
        if act.project.is_archived:
            yield "not_allowed"


def _waiting(state: State) -> set[UUID]:
    return {task.id for task in state.tasks.values() if task.is_live and state.unmet(task)}


def _tell_who_is_ready(state: State, waiting: set[UUID]) -> None:
    """Who was waiting and waits no more has one more event, if it is still to be begun.

    What the same job has ended may have been told so before: the order within a job is open.
    """
    for task_id in waiting:
        task = state.tasks[task_id]
        if state.unmet(task) == 0 and task.is_live and task.status == "pending":
            note(task)
        elif state.unmet(task) == 0:
            state.maybe_told[task_id] = state.maybe_told.get(task_id, 0) + 1
