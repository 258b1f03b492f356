"""Outcomes in the form of Arq's results, so that Arq's `Job.result()` gives the outcome."""

import time
from typing import Any

from arq.jobs import serialize_result

from jobs import codec
from jobs.codec import Poison, Request
from jobs.errors import Aborted
from jobs.outcomes import Outcome
from worker.deliveries import Delivery

KEEP_RESULT_SECONDS = 60


def result_bytes(delivery: Delivery, outcome: Outcome, enqueued_ms: int) -> bytes:
    """The result of a settled delivery.

    It "succeeded": the outcome says what that means. Only what its producer aborted did not.
    """
    told = outcome.as_json()
    now = time.time_ns() // 1_000_000
    written = serialize_result(
        kind_of(delivery.request) or "",
        (delivery.request,),
        {},
        delivery.count,
        enqueued_ms,
        told.get("code") != Aborted.code,
        told,
        now,
        now,
        delivery.arq_id,
        delivery.queue,
        delivery.arq_id,
        serializer=dump_result,
    )
    if written is None:
        raise TypeError("outcomes are JSON")
    return written


def dump_result(data: dict[str, Any]) -> bytes:
    """Arq's result with references in place of the envelopes: for Arq's `job_serializer`."""
    return codec.dump(data | {"a": [_reference(request) for request in data["a"]]})


def kind_of(request: Request) -> str | None:
    return getattr(request, "kind", None)


def envelope_id(request: Request) -> str | None:
    """The id that producers wait for, whatever id Arq's entry has."""
    return None if isinstance(request, Poison) else str(request.id)


def _reference(request: Any) -> Any:
    named: Any = request.claimed if isinstance(request, Poison) else request
    if not hasattr(named, "tenant_id"):
        return None
    return {"tenant_id": named.tenant_id, "id": named.id}
