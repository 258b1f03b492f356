"""`taskrail` of a release that had no comments: `python -m tests.older worker`."""

import runpy
from collections.abc import Callable
from typing import Any

from jobs import codec
from jobs.codec import Request, UnknownJob
from jobs.payloads.task import CommentTask

Read = Callable[..., Request]


def forget_comments() -> None:
    """To be called before anybody has imported these functions by name."""
    older: Any = codec
    older.read, older.read_envelope = _older(codec.read), _older(codec.read_envelope)


def _older(read: Read) -> Read:
    def read_as_then(*arguments: Any) -> Request:
        request: Any = read(*arguments)
        if not isinstance(getattr(request, "payload", None), CommentTask):
            return request  # type: ignore[no-any-return]
        envelope = request.model_dump(mode="json", exclude_unset=True)
        return UnknownJob(request.tenant_id, request.id, request.kind, envelope)

    return read_as_then


if __name__ == "__main__":
    forget_comments()
    runpy.run_module("ops", run_name="__main__", alter_sys=True)
