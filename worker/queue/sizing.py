"""How many jobs a batch may have: as many as are applied in good time, up to a cap."""

from collections import deque

REMEMBERED_BATCHES = 16
GROWTH = 1.25


class BatchSize:
    """Shrinks at once when a batch took too long, and grows while the last ones did not."""

    def __init__(self, most_jobs: int, longest_seconds: float) -> None:
        self._most_jobs = most_jobs
        self._longest_seconds = longest_seconds
        self._last: deque[float] = deque(maxlen=REMEMBERED_BATCHES)
        self.jobs = most_jobs

    def learn(self, jobs: int, seconds: float) -> None:
        """A batch of `jobs` took `seconds`."""
        self._last.append(seconds)
        if seconds > self._longest_seconds:
            self.jobs = max(1, min(self.jobs, int(jobs * self._longest_seconds / seconds)))
        elif max(self._last) <= self._longest_seconds:
            self.jobs = min(self._most_jobs, int(self.jobs * GROWTH) + 1)
