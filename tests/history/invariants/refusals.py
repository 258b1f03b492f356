"""A refusal is justified by what the history says was so when it was made.

Without this a worker that rejects everything keeps every other promise.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.history.facts import Facts, LedgerRow, Violation
from tests.history.replay import SNAPSHOT_SECONDS, Moment, around, at_version

BEGUN, OPEN = {"in_progress"}, {"pending", "in_progress", "review", "blocked"}
ALLOWED = {
    "task.claim": {"pending"},
    "task.start": {"pending"},
    "task.progress": BEGUN,
    "task.report_usage": BEGUN,
    "task.submit": BEGUN,
    "task.fail": BEGUN,
    "task.release": {"in_progress", "blocked"},
    "task.complete": {"pending", "in_progress"},
    "task.block": {"pending", "in_progress"},
    "task.unblock": {"blocked"},
    "task.approve": {"review"},
    "task.reject": {"review"},
    "task.retry": {"failed"},
    "task.cancel": OPEN,
    "task.reopen": {"completed", "cancelled"},
}
"""From which states; written down a second time on purpose."""
MAKES = {
    "task.create": "task_id",
    "worker.register": "worker_id",
    "project.create": "project_id",
}
"""What is new by a job of this kind."""


def i13(facts: Facts) -> Iterator[Violation]:
    """The observed version had the observed status, and there the code was right."""
    for row in facts.ledger:
        if row.status == "rejected" and row.outcome is not None:
            code = str(row.outcome.get("code"))
            if not _is_seen_right(facts, row):
                yield _unjust(row, f"{code}: at the version that it observed it was not so")
            elif code not in JUSTIFIED or not JUSTIFIED[code](facts, row):
                told = row.outcome.get("message")
                yield _unjust(row, f"{row.kind}, {code}, no reason in the history: {told}")


def _unjust(row: LedgerRow, said: str) -> Violation:
    return Violation("I13", "/".join(row.key), said)


def _life(facts: Facts, row: LedgerRow) -> list[Moment]:
    return facts.lives.get((row.tenant, str(row.payload.get("task_id"))), [])


def _observed(facts: Facts, row: LedgerRow) -> Moment | None:
    """What the rule saw of the task, as the history has it."""
    version = ((row.outcome or {}).get("observed") or {}).get("version")
    return None if version is None else at_version(_life(facts, row), version)


def _is_seen_right(facts: Facts, row: LedgerRow) -> bool:
    """Whoever observed no task, or something else, is judged by the code alone."""
    seen = (row.outcome or {}).get("observed") or {}
    if seen.get("version") is None or not row.payload.get("task_id"):
        return True
    moment = _observed(facts, row)
    return moment is not None and moment.status == seen.get("status")


def _illegal_transition(facts: Facts, row: LedgerRow) -> bool:
    moment = _observed(facts, row)
    return moment is not None and moment.status not in ALLOWED.get(row.kind, OPEN)


def _lease_lost(facts: Facts, row: LedgerRow) -> bool:
    moment = _observed(facts, row)
    return moment is not None and row.payload.get("token") != moment.token


def _leased_to_other(facts: Facts, row: LedgerRow) -> bool:
    moment = _observed(facts, row)
    return moment is not None and moment.holder not in {None, row.envelope.get("actor_id")}


def _not_allowed(facts: Facts, row: LedgerRow) -> bool:
    """What the load can run into: a claim of what one has already, or of what is another's."""
    moment, actor = _observed(facts, row), row.envelope.get("actor_id")
    if moment is None or row.kind not in {"task.claim", "task.start"}:
        return False
    return moment.holder == actor or moment.assignee not in {None, actor}


def _not_found(facts: Facts, row: LedgerRow) -> bool:
    """Something that the job names was not there, or not any more."""
    made = {row.payload.get("comment_id"), row.payload.get(MAKES.get(row.kind, ""))}
    named = [value for name, value in row.payload.items() if name.endswith("_id") and value]
    named += [edge["task_id"] for edge in row.payload.get("depends_on") or ()]
    return any(not _was_there(facts, row, one) for one in named if one not in made)


def _was_there(facts: Facts, row: LedgerRow, entity: str) -> bool:
    """All the time at which the job may have looked."""
    key, at = (row.tenant, entity), row.settled_at or 0.0
    told = facts.told.get(key)
    if told is None or told[0].at >= at - SNAPSHOT_SECONDS:
        return False
    return not any(m is not None and m.is_deleted for m in around(facts.lives.get(key, []), at))


def _not_a_member(facts: Facts, row: LedgerRow) -> bool:
    task = facts.entities.get((row.tenant, str(row.payload.get("task_id"))))
    project = row.payload.get("project_id") or (task.columns["project_id"] if task else None)
    return (row.tenant, str(project), str(row.envelope.get("actor_id"))) not in facts.members


def _already_exists(facts: Facts, row: LedgerRow) -> bool:
    """Another job has made what this one would make."""
    made = (row.tenant, str(row.payload.get(MAKES.get(row.kind, ""))))
    return made in facts.told and facts.told[made][0].job != row.id


def _version_conflict(facts: Facts, row: LedgerRow) -> bool:
    moment = _observed(facts, row)
    return moment is not None and row.payload.get("expected_version") != moment.seq


def _expired(facts: Facts, row: LedgerRow) -> bool:
    """Its time was over, or one that it waited for was not settled by then."""
    at, expires = row.settled_at or 0.0, row.envelope.get("expires_at")
    if expires is not None and datetime.fromisoformat(expires).timestamp() <= at:
        return True
    awaited = [facts.job((row.tenant, str(one))) for one in row.envelope.get("after") or ()]
    seen_at = at - SNAPSHOT_SECONDS
    return any(one is None or (one.settled_at or at) >= seen_at for one in awaited)


def _dependencies_unmet(facts: Facts, row: LedgerRow) -> bool:
    key = (row.tenant, str(row.payload.get("task_id")))
    blockers = [edge.blocker for edge in facts.edges if (edge.tenant, edge.task) == key]
    return any(_may_have_been(facts, row, one, {"completed"}) for one in blockers)


def _may_have_been(facts: Facts, row: LedgerRow, task: str, but: set[str]) -> bool:
    """Whether the task may have been something else `but` these when the job was decided."""
    moments = around(facts.lives.get((row.tenant, task), []), row.settled_at or 0.0)
    return any(moment is None or moment.status not in but for moment in moments)


JUSTIFIED: dict[str, Any] = {
    "illegal_transition": _illegal_transition,
    "lease_lost": _lease_lost,
    "leased_to_other": _leased_to_other,
    "not_allowed": _not_allowed,
    "not_found": _not_found,
    "not_a_member": _not_a_member,
    "already_exists": _already_exists,
    "version_conflict": _version_conflict,
    "expired": _expired,
    "dependencies_unmet": _dependencies_unmet,
}
"""Codes that the history can justify; with any other the load has been refused wrongly."""
