"""One whole envelope of a kind, with the example payload of its prose."""

import json
from typing import Any

from jobs.envelope import BOOTSTRAP_KINDS, SYSTEM_KINDS, VERSIONS

IDS = {
    name: f"0192f0c1-{number:04x}-7000-8000-{number:012x}"
    for number, name in enumerate(
        (
            "job", "tenant", "actor", "project", "worker", "task", "subtask", "parent", "blocker",
            "comment",
        ),
        start=1,
    )
}  # fmt: skip


def example(kind: str, payload: str) -> dict[str, Any]:
    """`payload` is JSON in which `$task` and the like stand for ids."""
    for name in sorted(IDS, key=len, reverse=True):
        payload = payload.replace(f'"${name}"', f'"{IDS[name]}"')
    is_from_system = kind in SYSTEM_KINDS | BOOTSTRAP_KINDS - {"project.create"}
    envelope = {
        "id": IDS["job"],
        "tenant_id": IDS["tenant"],
        "actor_id": None if is_from_system else IDS["actor"],
        "kind": kind,
        "schema_version": VERSIONS[kind],
        "issued_at": "2026-11-23T09:00:00Z",
        "payload": json.loads(payload),
    }
    if VERSIONS[kind] == 1:
        del envelope["schema_version"]
    return envelope
