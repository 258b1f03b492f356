"""What the history alone says of an entity."""

from dataclasses import fields
from typing import Any

from jobs.board import Board
from jobs.changes import DERIVED, HEADER, Own
from tests.unit.rules.lifecycle_model import TABLE

PARTS = {"lease", "member", "comment", "note"}


def folded(board: Board, entity: Own) -> dict[str, Any]:
    """Own columns and last parts of the entity, by its events, which have no gaps."""
    history = [event for event in board.events if event.entity_id == entity.id]
    assert [event.seq for event in history] == list(range(1, entity.version + 1))
    assert history[-1].at == entity.updated_at
    state: dict[str, Any] = {}
    for event in history:
        if event.entity_type == "task" and state and "status" in event.data:
            assert event.data["status"] in TABLE[state["status"]]
        state |= event.data
    return state


def own_columns(entity: Own) -> dict[str, Any]:
    names = {f.name for f in fields(entity)} - HEADER - DERIVED
    return {name: getattr(entity, name) for name in names}
