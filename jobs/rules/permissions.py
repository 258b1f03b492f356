"""Who may do what: owners, members, holders of leases, the system (domain: jobs, "Who may")."""

from uuid import UUID

from jobs.board import Board
from jobs.entities import Lease, Project, Role, Task, Worker
from jobs.errors import LeasedToOther, LeaseLost, NotAllowed, NotAMember
from jobs.rules.find import active_worker, seen


def acting_worker(board: Board) -> Worker:
    """The actor, for acts that only a worker can do."""
    actor = acting_worker_or_system(board)
    if actor is None:
        raise NotAllowed("Only a worker can do this; name it as actor_id.")
    return actor


def acting_worker_or_system(board: Board) -> Worker | None:
    """The actor, who is not deactivated; None is the system."""
    actor_id = board.cause().actor_id
    return None if actor_id is None else active_worker(board, actor_id)


def require_member(board: Board, project_id: UUID) -> None:
    """The actor is a member of the project, or the system."""
    actor = acting_worker_or_system(board)
    if actor is not None and not is_member(board, project_id, actor):
        raise NotAMember(
            f"{actor.handle} is not a member of the project; its owner can add members."
        )


def require_owner(board: Board, project: Project) -> None:
    """The actor owns the project, or is the system."""
    require_member(board, project.id)
    cause = board.cause()
    if cause.actor_id is None:
        return
    if board.members[cause.tenant_id, project.id, cause.actor_id].role is not Role.OWNER:
        raise NotAllowed(
            f"Only the owner of project {project.slug} can do this; ask the owner.",
            observed=seen(project),
        )


def require_assignable(board: Board, project: Project, worker_id: UUID) -> Worker:
    """The worker may be given tasks of the project."""
    worker = active_worker(board, worker_id)
    if not is_member(board, project.id, worker):
        raise NotAMember(f"{worker.handle} is not a member of {project.slug}; add it first.")
    return worker


def former_assignee(board: Board, task: Task, lease: Lease) -> UUID | None:
    """To whom the task belongs again when its lease ends, if he still can be given tasks."""
    return fit_assignee(board, task, lease.previous_assignee_id)


def fit_assignee(board: Board, task: Task, worker_id: UUID | None) -> UUID | None:
    """The worker, if he still can be given the task; None: it is nobody's."""
    if worker_id is None:
        return None
    worker = board.workers[task.tenant_id, worker_id]
    can_have_it = worker.deactivated_at is None and is_member(board, task.project_id, worker)
    return worker_id if can_have_it else None


def is_member(board: Board, project_id: UUID, worker: Worker) -> bool:
    return (worker.tenant_id, project_id, worker.id) in board.members


def require_holder(board: Board, task: Task, token: int | None) -> None:
    """On a leased task the actor is its holder, with the lease's own token; else any member."""
    require_member(board, task.project_id)
    lease = board.leases.get(task.key)
    if lease is None:
        if token is not None:
            raise LeaseLost(
                "The lease with this token has ended; drop the work and claim the task again.",
                observed=seen(task),
            )
        return
    if board.cause().actor_id not in {lease.holder_id, None}:
        raise LeasedToOther(
            "Another worker holds this task; take another one.", observed=seen(task)
        )
    if token is None:
        raise LeaseLost(
            "The task is leased; name the token that its claim returned.", observed=seen(task)
        )
    if token != lease.token:
        raise LeaseLost(
            "The task has been claimed anew since; drop the work and claim it again.",
            observed=seen(task),
        )


def require_not_leased(board: Board, task: Task) -> None:
    """Nobody holds the task, not even the actor."""
    lease = board.leases.get(task.key)
    if lease is None:
        return
    if lease.holder_id == board.cause().actor_id:
        raise NotAllowed(
            "You hold this task already; go on with the token of your claim, or release it first.",
            observed=seen(task),
        )
    raise LeasedToOther(
        "The task is leased; wait until the lease ends, or let the owner release it.",
        observed=seen(task),
    )
