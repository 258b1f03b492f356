"""How long what waits for other workers waits in hand, however often it is put aside meanwhile."""

from collections import OrderedDict
from collections.abc import Iterable

from worker.queue.holding import Entry


class Patience:
    """`seconds` from the first taking; of what was put aside the last `most` are remembered."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._first_taken_at: OrderedDict[bytes, float] = OrderedDict()

    def is_left(self, entry: Entry, now: float) -> bool:
        first_taken_at = self._first_taken_at.get(entry.name, entry.taken_at)
        return now - first_taken_at < self._seconds

    def put_aside(self, entries: Iterable[Entry]) -> None:
        """These will be taken again, and have waited then."""
        for entry in entries:
            self._first_taken_at.setdefault(entry.name, entry.taken_at)
            if len(self._first_taken_at) > self._most:
                self._first_taken_at.popitem(last=False)
