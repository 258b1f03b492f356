"""What each job means. `decide` is the table of contents: one rule for each payload."""

from typing import Any, assert_never, cast

from jobs.board import Board, Cause
from jobs.envelope import BOOTSTRAP_KINDS, SYSTEM_KINDS, AnyJob, AnyPayload
from jobs.errors import Expired, NotAllowed, NotFound, TenantSuspended
from jobs.outcomes import Applied
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
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import AssignTask, CommentTask, CreateTask
from jobs.payloads.worker import RegisterWorker
from jobs.rules import assign, cancel, claim, create_task, lease, project, review, work, worker


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
        raise Expired(
            f"The job was to be applied before {job.expires_at.isoformat()}; send a new one."
        )
    if trusted:
        return
    if job.kind in SYSTEM_KINDS:
        raise NotAllowed(f"Only the system itself may ask for {job.kind}; leave it out.")
    if job.actor_id is None and job.kind not in BOOTSTRAP_KINDS:
        raise NotAllowed("A worker has to ask for this; name it as actor_id.")


def _apply(board: Board, payload: AnyPayload) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - a table
    match payload:
        case CreateProject():
            return project.create(board, payload)
        case AddMember():
            return project.add_member(board, payload)
        case RegisterWorker():
            return worker.register(board, payload)
        case CreateTask():
            return create_task.create(board, payload)
        case AssignTask():
            return assign.assign(board, payload)
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
        case ApproveTask():
            return review.approve(board, payload)
        case RejectTask():
            return review.reject(board, payload)
        case CancelTask():
            return cancel.cancel(board, payload)
        case _:
            assert_never(payload)
