"""Every kind of fault: each begins, lasts, and is healed when its block ends."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random

from tests.history import faults_of_servers as servers
from tests.history import faults_of_workers as workers
from tests.history.wounds import Victims, Wound

Inject = Callable[[Victims, Random], AbstractAsyncContextManager[Wound]]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """`seconds`: how long it lasts, from and to."""

    inject: Inject
    seconds: tuple[float, float] = (0.0, 0.0)


FAULTS = {
    "worker_killed": FaultKind(workers.worker_killed, (0.0, 0.5)),
    "worker_stopped": FaultKind(workers.worker_stopped, (1.0, 4.0)),
    "worker_terminated": FaultKind(workers.worker_terminated, (0.0, 0.2)),
    "backends_terminated": FaultKind(servers.backends_terminated),
    "backend_killed": FaultKind(servers.backend_killed),
    "postgres_stopped_at_once": FaultKind(servers.postgres_stopped_at_once),
    "postgres_killed": FaultKind(servers.postgres_killed),
    "postgres_read_only": FaultKind(servers.postgres_read_only, (0.5, 2.0)),
    "connections_exhausted": FaultKind(servers.connections_exhausted, (0.5, 2.0)),
    "rows_locked": FaultKind(servers.rows_locked, (0.5, 2.5)),
    "redis_killed": FaultKind(servers.redis_killed),
    "redis_flushed": FaultKind(servers.redis_flushed),
    "redis_stopped": FaultKind(servers.redis_stopped, (0.5, 2.0)),
    "redis_out_of_memory": FaultKind(servers.redis_out_of_memory, (0.5, 2.0)),
    "network_reset": FaultKind(workers.network_reset),
    "network_black_hole": FaultKind(workers.network_black_hole, (0.5, 3.0)),
    "network_slow": FaultKind(workers.network_slow, (1.0, 3.0)),
    "network_half_open": FaultKind(workers.network_half_open, (0.5, 2.0)),
    "network_forgotten": FaultKind(workers.network_forgotten),
    "jobs_duplicated": FaultKind(servers.jobs_duplicated),
    "jobs_reordered": FaultKind(servers.jobs_reordered),
}
"""By name; the seconds are those between its beginning and the attempt to heal it."""
