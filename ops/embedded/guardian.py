"""Keeps servers alive from a thread of its own: children die with the thread that forked them."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ops.embedded.postgres import Postgres
from ops.embedded.valkey import Valkey

LOOK_SECONDS = 0.2
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0


class Guardian:
    """Starts the servers, restarts what dies, and stops them in the end."""

    def __init__(self, servers: Sequence[Postgres | Valkey]) -> None:
        self._servers = servers
        self._ending = threading.Event()
        self._started = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._guard, name="guardian", daemon=True)

    def __enter__(self) -> Self:
        """All servers answer. Raises what kept them from starting."""
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _guard(self) -> None:
        try:
            for server in self._servers:
                server.start()
            self._started.set()
            self._restart_what_dies()
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
        finally:
            for server in reversed(self._servers):
                server.stop()
            self._started.set()

    def _restart_what_dies(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._ending.wait(LOOK_SECONDS):
            dead = [server for server in self._servers if _is_dead(server)]
            for server in dead:
                self._ending.wait(pause)
                _restart(server)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if dead else FIRST_PAUSE_SECONDS


def _is_dead(server: Postgres | Valkey) -> bool:
    return server.process is None or server.process.poll() is not None


def _restart(server: Postgres | Valkey) -> None:
    """A server that does not come up is tried again at the next look."""
    try:
        server.start()
    except (RuntimeError, OSError):
        time.sleep(LOOK_SECONDS)
