"""Changes that can be taken back: a savepoint in memory."""

from collections.abc import Callable
from typing import Any

from jobs.entities import Key


class Undo:
    """Changes tables through its methods, and knows how to change them back."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def rewind(self) -> None:
        """All is as it was when this was new or was cleared last."""
        while self._steps:
            self._steps.pop()()

    def clear(self) -> None:
        """What has been changed stays."""
        self._steps.clear()

    def add(self, step: Callable[[], object]) -> None:
        """`step` takes back a change that somebody else has made."""
        self._steps.append(step)

    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        if key in table:
            old = table[key]
            self.add(lambda: table.__setitem__(key, old))
        else:
            self.add(lambda: table.pop(key, None))
        table[key] = value

    def drop(self, table: dict[Any, Any], key: Any) -> None:
        old = table.pop(key)
        self.add(lambda: table.__setitem__(key, old))

    def push(self, rows: list[Any], row: Any) -> None:
        rows.append(row)
        self.add(rows.pop)

    def include(self, members: set[Any], member: Any) -> None:
        if member not in members:
            members.add(member)
            self.add(lambda: members.discard(member))

    def exclude(self, members: set[Any], member: Any) -> None:
        if member in members:
            members.discard(member)
            self.add(lambda: members.add(member))

    def join(self, table: dict[Key, set[Key]], key: Key, other: Key) -> None:
        """`other` is among those of `key`, if these are known at all."""
        if key in table:
            self.include(table[key], other)

    def part(self, table: dict[Key, set[Key]], key: Key, other: Key) -> None:
        """`other` is not among those of `key` any more."""
        if key in table:
            self.exclude(table[key], other)
