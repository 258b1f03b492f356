"""What the history alone says of an entity."""

from typing import Any

from jobs.board import Board
from jobs.changes import Own, own_columns
from jobs.entities import Lease
from tests.model.state import TABLE


def check_history(board: Board) -> None:
    """Without gaps, along the table of states, and it folds to the rows."""
    own: list[Own] = [*board.projects.values(), *board.workers.values(), *board.tasks.values()]
    for entity in own:
        state = _folded(board, entity)
        columns = own_columns(entity)
        assert {name: state[name] for name in columns} == columns
        lease = board.leases.get(entity.key)
        assert _says_of_lease(state.get("lease")) == _says_of(lease)
    assert len(board.events) == sum(entity.version for entity in own)


def _folded(board: Board, entity: Own) -> dict[str, Any]:
    history = [event for event in board.events if event.entity_id == entity.id]
    assert [event.seq for event in history] == list(range(1, entity.version + 1))
    assert history[-1].at == entity.updated_at
    state: dict[str, Any] = {}
    for event in history:
        new = event.data.get("status")
        if event.entity_type == "task" and state and new not in {None, state["status"]}:
            assert new in TABLE[state["status"]]
        state |= event.data
    return state


def _says_of(lease: Lease | None) -> Any:
    return None if lease is None else (lease.holder_id, lease.token, lease.previous_assignee_id)


def _says_of_lease(part: dict[str, Any] | None) -> Any:
    names = ("holder_id", "token", "previous_assignee_id")
    return None if part is None else tuple(part[name] for name in names)
