"""Sends jobs again until each is settled, as the queue does with what is handed back."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json

from jobs.codec import Request
from tests.engine import Engine
from worker.deliveries import Settled

MAX_TRIES = 200


async def settle(engine: Engine, requests: Sequence[Request]) -> list[dict[str, Any]]:
    """What producers are told in the end, in the order given."""
    outcomes: dict[int, dict[str, Any]] = {}
    for _ in range(MAX_TRIES):
        left = [place for place in range(len(requests)) if place not in outcomes]
        if not left:
            return [outcomes[place] for place in range(len(requests))]
        dispositions = await engine.apply([requests[place] for place in left])
        for place, disposition in zip(left, dispositions, strict=True):
            if isinstance(disposition, Settled):
                outcomes[place] = from_json(to_json(disposition.outcome.as_json()))
    raise AssertionError(f"not settled after {MAX_TRIES} tries")
