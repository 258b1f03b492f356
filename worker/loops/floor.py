"""Up to where everything is published for good, so that rounds need not look there again."""

from dataclasses import dataclass


@dataclass(slots=True)
class Floor:
    """No event at `position` or below can still be missed, be its transaction ever so late.

    It is aimed at the last position that was drawn, and rises there when none of the transactions
    that wrote at that moment goes on. So it waits for nobody else, however long a foreign
    transaction lasts, and however many dead rows a long snapshot keeps below it.
    """

    position: int = 0
    _aim: int = 0
    _writers: frozenset[str] = frozenset()

    def aim(self, last_drawn: int, writers: frozenset[str]) -> None:
        """To be asked for in this order, and before the rows: who drew is among the writers then.

        Asked the other way round, somebody could begin to write and draw in between.
        """
        if self._aim <= self.position:
            self._aim, self._writers = last_drawn, writers
        self._writers &= writers

    def rise(self, published_to: int) -> None:
        """All rows up to `published_to` that could be seen after `aim` are published."""
        if not self._writers:
            self.position = min(self._aim, published_to)
