"""One good payload of each kind of the wire, as JSON has it."""

from typing import Any

from uuid_utils.compat import uuid7

A, B, C = (str(uuid7()) for _ in range(3))
BUDGET = {"tokens": {"soft": 10, "hard": 20}}
TASK = {"task_id": A}
PROJECT = {"project_id": A}

VALID: dict[str, dict[str, Any]] = {
    "project.create": PROJECT | {"slug": "launch", "name": "Launch"},
    "project.update": PROJECT | {"name": "Relaunch", "description": None, "budget": BUDGET},
    "project.archive": PROJECT,
    "project.unarchive": PROJECT,
    "project.delete": PROJECT,
    "project.restore": PROJECT,
    "project.add_member": PROJECT | {"worker_id": B},
    "project.remove_member": PROJECT | {"worker_id": B},
    "project.complete_tasks": PROJECT | {"limit": 10},
    "project.archive_tasks": PROJECT | {"include_open": True, "reason": "spring"},
    "worker.register": {"worker_id": A, "handle": "@ada", "name": "Ada", "kind": "human"},
    "worker.update": {"worker_id": A, "email": None, "capabilities": ["copy"]},
    "worker.deactivate": {"worker_id": A},
    "worker.reactivate": {"worker_id": A},
    "task.create": {"project_id": A, "task_id": B, "title": "Write"},
    "task.update": TASK | {"title": "Rewrite", "due_at": None, "expected_version": 3},
    "task.move": TASK | {"parent_id": B},
    "task.assign": TASK | {"worker_id": B},
    "task.unassign": TASK,
    "task.claim": TASK,
    "task.dispatch": {"limit": 3},
    "task.renew": TASK | {"token": 1},
    "task.release": TASK | {"token": 1, "force": True},
    "task.start": TASK,
    "task.progress": TASK | {"percent": 5, "usage": {"tokens": 3}},
    "task.report_usage": TASK | {"usage": {"money_micros": 12, "wall_seconds": 1}},
    "task.raise_budget": TASK | {"budget": BUDGET},
    "task.block": TASK | {"reason": "waits for the client", "keep_lease": True},
    "task.unblock": TASK,
    "task.request_input": TASK | {"question": {"prompt": "Which?", "choices": ["a", "b"]}},
    "task.provide_input": TASK | {"answer": "a"},
    "task.submit": TASK | {"result": [1, None]},
    "task.approve": TASK | {"cascade": True},
    "task.reject": TASK | {"reason": "too short"},
    "task.complete": TASK | {"token": 1, "result": {"pages": 2}, "cascade": True},
    "task.fail": TASK | {"reason": "no network", "details": {"tries": 2}},
    "task.retry": TASK,
    "task.cancel": TASK | {"reason": None},
    "task.reopen": TASK | {"reason": "a typo"},
    "task.delete": TASK | {"reason": "twice"},
    "task.restore": TASK,
    "task.comment": TASK | {"comment_id": B, "body": "Hm"},
    "task.add_dependency": TASK | {"depends_on_id": B, "on_failure": "cancel"},
    "task.remove_dependency": TASK | {"depends_on_id": B},
}
