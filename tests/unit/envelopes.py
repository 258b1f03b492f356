"""What tests of the codec send: a good envelope, and any JSON."""

from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from jobs.codec import InvalidJob, Poison, Reference, UnknownJob
from jobs.envelope import Job

REQUESTS = (Job, Reference, InvalidJob, UnknownJob, Poison)
"""All that the codec may answer."""
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


def envelope(**fields: Any) -> dict[str, Any]:
    good = {
        "id": str(uuid7()),
        "tenant_id": str(uuid4()),
        "actor_id": str(uuid4()),
        "kind": "task.complete",
        "issued_at": "2026-11-23T10:00:00+01:00",
        "payload": {"task_id": str(uuid4()), "token": 1, "result": {"pages": 3}},
    }
    return good | fields
