"""What an applied job answers about a task."""

from typing import Any

from jobs.entities import Lease, Task


def task_result(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, "status": task.status, "version": task.version}


def leased_task(task: Task, lease: Lease) -> dict[str, Any]:
    """What the new holder needs to begin: content, token and the time it has."""
    return {
        "id": task.id,
        "version": task.version,
        "title": task.title,
        "description": task.description,
        "attributes": task.attributes,
        "attempt": task.attempt + 1,
        "token": lease.token,
        "expires_at": lease.expires_at,
    }
