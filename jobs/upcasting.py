"""Earlier versions of kinds: the shape that their senders know, and how each becomes the next.

A kind whose meaning changes gets a new version. Bytes of the old ones never expire: producers are
not upgraded in step with workers, and the ledger keeps each envelope as it was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, TypeAdapter, field_serializer
from pydantic_core import to_json

from jobs.envelope import PAYLOADS, AnyJob, Job
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import HolderPayload
from jobs.values import Progress

JsonPayload = dict[str, Any]


class EarlierJob(Job[Any, Any]):
    """A job of an earlier version of its kind: applied as a current one, written as it was sent.

    `payload` is the current version's; what is dumped in its place is `sent`.
    """

    schema_version: int  # type: ignore[assignment]  # Job's own is the first version only
    sent: Payload = Field(exclude=True)

    @field_serializer("payload")
    def _as_sent(self, _: Payload) -> Any:
        return self.sent


class ReportProgress1(HolderPayload):
    """Version 1 of `task.progress`: it knows no usage."""

    progress: Progress


def _call_it_percent(payload: JsonPayload) -> JsonPayload:
    return {"percent" if name == "progress" else name: value for name, value in payload.items()}


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version that is not the current one any more. `upcast` makes a payload of the next one."""

    shape: TypeAdapter[AnyJob]
    upcast: Callable[[JsonPayload], JsonPayload]


EARLIER: dict[tuple[str, int], Earlier] = {
    ("task.progress", 1): Earlier(
        TypeAdapter(Job[Literal["task.progress"], ReportProgress1]), _call_it_percent
    ),
}
"""By kind and version; every version below a kind's current one stands here."""


def read_earlier(kind: str, version: int, envelope: dict[str, Any]) -> EarlierJob:
    """The job that `envelope`, of a version that stands in EARLIER, asks for.

    Raises pydantic.ValidationError, in the words of that version, if the envelope is wrong.
    """
    sent = EARLIER[kind, version].shape.validate_json(to_json(envelope))
    fields = dict(sent) | {
        "schema_version": version,
        "payload": _current(kind, version, envelope["payload"]),
        "sent": sent.payload,
    }
    return EarlierJob.model_construct(sent.model_fields_set, **fields)


def _current(kind: str, version: int, payload: JsonPayload) -> Payload:
    while (kind, version) in EARLIER:
        payload = EARLIER[kind, version].upcast(payload)
        version += 1
    return PAYLOADS[kind].model_validate_json(to_json(payload))
