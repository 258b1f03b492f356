"""What each job means. `decide` is the table of contents: one rule for each payload."""

from typing import Any, assert_never, cast

from jobs.board import Board
from jobs.changes import Cause
from jobs.envelope import BOOTSTRAP_KINDS, SYSTEM_KINDS, AnyJob, AnyPayload
from jobs.errors import Expired, NotAllowed, NotFound, TenantSuspended
from jobs.outcomes import Applied
from jobs.payloads.lifecycle import (
    ApproveTask,
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    ExpireLease,
    FailTask,
    ProvideInput,
    RecurTask,
    RejectTask,
    ReleaseTask,
    RemindTask,
    RenewLease,
    ReopenTask,
    ReportProgress,
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
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CommentTask,
    CreateTask,
    DeleteTask,
    MoveTask,
    PurgeTask,
    RaiseBudget,
    RemoveDependency,
    RestoreTask,
    UnassignTask,
    UpdateTask,
)
from jobs.payloads.worker import (
    DeactivateWorker,
    ReactivateWorker,
    RegisterWorker,
    UpdateWorker,
)
from jobs.rules import (
    assign,
    block,
    budget,
    bulk,
    cancel,
    claim,
    create_task,
    deletion,
    dependencies,
    lease,
    members,
    move,
    project,
    questions,
    recur,
    release,
    remind,
    reopen,
    review,
    update_task,
    work,
    worker,
)


def decide(board: Board, job: AnyJob, *, trusted: bool = False) -> Applied:
    """Applies the job to the board, or raises `JobRejected` and leaves the board as it was.

    `trusted`: the job comes from the keeper or the command line, so the system may be its actor.
    """
    with board.caused_by(Cause(job.tenant_id, job.id, job.actor_id)):
        _require_admission(board, job, trusted=trusted)
        return Applied(job.id, _apply(board, cast("AnyPayload", job.payload)))


def _require_admission(board: Board, job: AnyJob, *, trusted: bool) -> None:
    tenant = board.tenants.get(job.tenant_id)
    if tenant is None:
        raise NotFound(f"There is no tenant {job.tenant_id}; correct the id.")
    if tenant.suspended_at is not None:
        raise TenantSuspended("The tenant is suspended; ask its operator to resume it.")
    if job.expires_at is not None and job.expires_at <= board.now:
        raise Expired.since(job.expires_at)
    if trusted:
        return
    if job.kind in SYSTEM_KINDS:
        raise NotAllowed(f"Only the system itself may ask for {job.kind}; leave it out.")
    if job.actor_id is None and job.kind not in BOOTSTRAP_KINDS:
        raise NotAllowed("A worker has to ask for this; name it as actor_id.")


def _apply(board: Board, payload: AnyPayload) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912, PLR0915 - a table
    match payload:
        case CreateProject():
            return project.create(board, payload)
        case UpdateProject():
            return project.update(board, payload)
        case ArchiveProject():
            return project.archive(board, payload)
        case UnarchiveProject():
            return project.unarchive(board, payload)
        case DeleteProject():
            return project.delete(board, payload)
        case RestoreProject():
            return project.restore(board, payload)
        case AddMember():
            return members.add(board, payload)
        case RemoveMember():
            return members.remove(board, payload)
        case CompleteTasks():
            return bulk.complete_tasks(board, payload)
        case ArchiveTasks():
            return bulk.archive_tasks(board, payload)
        case RegisterWorker():
            return worker.register(board, payload)
        case UpdateWorker():
            return worker.update(board, payload)
        case DeactivateWorker():
            return worker.deactivate(board, payload)
        case ReactivateWorker():
            return worker.reactivate(board, payload)
        case CreateTask():
            return create_task.create(board, payload)
        case UpdateTask():
            return update_task.update(board, payload)
        case MoveTask():
            return move.move(board, payload)
        case AssignTask():
            return assign.assign(board, payload)
        case UnassignTask():
            return assign.unassign(board, payload)
        case CommentTask():
            return assign.comment(board, payload)
        case ClaimTask():
            return claim.claim(board, payload)
        case DispatchTasks():
            return claim.dispatch(board, payload)
        case RenewLease():
            return lease.renew(board, payload)
        case ExpireLease():
            return lease.expire(board, payload)
        case ReleaseTask():
            return release.release(board, payload)
        case StartTask():
            return work.start(board, payload)
        case ReportProgress():
            return work.progress(board, payload)
        case SubmitTask():
            return work.submit(board, payload)
        case CompleteTask():
            return work.complete(board, payload)
        case FailTask():
            return work.fail(board, payload)
        case ReportUsage():
            return budget.report_usage(board, payload)
        case RaiseBudget():
            return budget.raise_budget(board, payload)
        case BlockTask():
            return block.block(board, payload)
        case UnblockTask():
            return block.unblock(board, payload)
        case RequestInput():
            return questions.request_input(board, payload)
        case ProvideInput():
            return questions.provide_input(board, payload)
        case ApproveTask():
            return review.approve(board, payload)
        case RejectTask():
            return review.reject(board, payload)
        case RetryTask():
            return reopen.retry(board, payload)
        case ReopenTask():
            return reopen.reopen(board, payload)
        case CancelTask():
            return cancel.cancel(board, payload)
        case DeleteTask():
            return deletion.delete(board, payload)
        case RestoreTask():
            return deletion.restore(board, payload)
        case PurgeTask():
            return deletion.purge(board, payload)
        case AddDependency():
            return dependencies.add(board, payload)
        case RemoveDependency():
            return dependencies.remove(board, payload)
        case RemindTask():
            return remind.remind(board, payload)
        case RecurTask():
            return recur.recur(board, payload)
        case _:
            assert_never(payload)
