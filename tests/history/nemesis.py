"""What goes wrong, and when: a schedule made from a seed, and its execution.

Faults of one lane come one after another, those of different lanes together.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random

import asyncpg
from redis.exceptions import RedisError

from tests.history.faults import FAULTS
from tests.history.recording import Fault, Recorder
from tests.history.wounds import Victims

CALM_SECONDS = 1.0
"""Before the first fault."""
SERVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, OSError, TimeoutError)
LEAST_PAUSE_SECONDS = 0.5
"""Also in a lane that is late, because a server took long to come back."""


@dataclass(frozen=True, slots=True)
class Lane:
    """`kinds` with their proportions; about `pause_seconds` between one's heal and the next."""

    pause_seconds: float
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """`at` and `seconds` from the start; `choice` is the fault's own dice."""

    lane: str
    at: float
    kind: str
    seconds: float
    choice: int


LANES = {
    "workers": Lane(1.0, {"worker_killed": 4, "worker_stopped": 2, "worker_terminated": 1}),
    "postgres": Lane(
        2.5,
        {
            "backends_terminated": 3,
            "backend_killed": 1,
            "postgres_stopped_at_once": 1,
            "postgres_killed": 1,
            "postgres_read_only": 2,
            "connections_exhausted": 2,
            "rows_locked": 3,
        },
    ),
    "redis": Lane(
        3.0,
        {"redis_killed": 3, "redis_flushed": 2, "redis_stopped": 2, "redis_out_of_memory": 2},
    ),
    "network": Lane(
        2.5,
        {
            "network_reset": 4,
            "network_black_hole": 2,
            "network_slow": 2,
            "network_half_open": 2,
            "network_forgotten": 2,
        },
    ),
    "queue": Lane(1.5, {"jobs_duplicated": 1, "jobs_reordered": 1}),
}


def schedule(seed: int, seconds: float) -> list[Plan]:
    """The same for the same seed; all is healed before the `seconds` are over."""
    plans = [plan for name, lane in LANES.items() for plan in _of_lane(name, lane, seed, seconds)]
    return sorted(plans, key=lambda plan: plan.at)


async def torment(victims: Victims, plans: Sequence[Plan], recorder: Recorder) -> None:
    """Everything has gone wrong as planned, and is healed; what could not go wrong is noted."""
    start = asyncio.get_running_loop().time()
    by_lane = sorted(plans, key=lambda plan: plan.lane)
    lanes = [list(lane) for _, lane in groupby(by_lane, key=lambda plan: plan.lane)]
    await asyncio.gather(*(_run(victims, lane, start, recorder) for lane in lanes))


def _of_lane(name: str, lane: Lane, seed: int, seconds: float) -> list[Plan]:
    random = Random(f"{seed} {name}")  # noqa: S311 - a schedule, not a secret
    plans: list[Plan] = []
    at = CALM_SECONDS + random.uniform(0, lane.pause_seconds)
    while True:
        (kind,) = random.choices(list(lane.kinds), list(lane.kinds.values()))
        lasting = random.uniform(*FAULTS[kind].seconds)
        if at + lasting >= seconds:
            return plans
        plans.append(Plan(name, round(at, 3), kind, round(lasting, 3), random.getrandbits(32)))
        at += lasting + lane.pause_seconds * random.uniform(0.5, 1.5)


async def _run(victims: Victims, plans: Sequence[Plan], start: float, recorder: Recorder) -> None:
    for plan in plans:
        late = asyncio.get_running_loop().time() - start - plan.at
        await asyncio.sleep(max(LEAST_PAUSE_SECONDS, -late))
        invoked = time.monotonic_ns()
        try:
            recorder.fault(await _inflicted(victims, plan))
        except SERVER_ERRORS as error:
            recorder.operation("skipped", "fail", invoked, value=[plan.kind, repr(error)])


async def _inflicted(victims: Victims, plan: Plan) -> Fault:
    """The fault, healed. Raises SERVER_ERRORS where another lane's fault was there before it."""
    begun_ns, begun_at = time.monotonic_ns(), time.time()
    async with FAULTS[plan.kind].inject(victims, Random(plan.choice)) as wound:  # noqa: S311 - dice
        await asyncio.sleep(plan.seconds)
    return Fault(
        kind=plan.kind,
        detail=wound.detail,
        begun_ns=begun_ns,
        healed_ns=time.monotonic_ns(),
        begun_at=begun_at,
        healed_at=time.time(),
        lost=wound.lost,
        published=wound.published,
    )
