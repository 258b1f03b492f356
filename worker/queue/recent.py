"""What was settled here lately, so that nobody need be asked about it."""

from collections.abc import Iterable
from uuid import UUID


class Recent:
    """The ids that were added last, about `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._newer: set[UUID] = set()
        self._older: set[UUID] = set()

    def add(self, ids: Iterable[UUID]) -> None:
        self._newer.update(ids)
        if len(self._newer) >= self._most:
            self._newer, self._older = set(), self._newer

    def others(self, ids: set[UUID]) -> set[UUID]:
        """Those of these that are not among them."""
        return ids - self._newer - self._older
