"""A server that cannot serve: said once when it begins, once when it ends, and asked less often."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.backoff import full_jitter
from worker.signals import Signal


@dataclass(slots=True)
class Outage:
    """`reason` is empty while all is well."""

    lost: Callable[[str], Signal]
    back: Callable[[], Signal]
    attempts: int = 0
    reason: str = ""

    def failed(self, error: Exception, emit: Callable[[Signal], None]) -> float:
        """Seconds to wait before the server is asked again."""
        if not self.attempts:
            emit(self.lost(str(error)))
        self.attempts += 1
        self.reason = str(error) or type(error).__name__
        return full_jitter(self.attempts)

    def served(self, emit: Callable[[Signal], None]) -> None:
        if self.attempts:
            emit(self.back())
        self.attempts, self.reason = 0, ""
