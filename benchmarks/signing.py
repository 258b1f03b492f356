"""What a signature costs, in microseconds a job of the mixed workload: no server takes part.

`write`: from the job to the bytes that go to Redis. `read`: from those bytes to the job, as a
worker reads them; `verified` with keys, `ignored` where the worker has none. Best of five rounds.
"""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from uuid_utils.compat import uuid7

from benchmarks.workload import Workload
from jobs import codec
from jobs.signing import Keyring, Signer, TrustedKey
from jobs.wire import job_payload

ROUNDS = 5
JOBS, SMOKE_JOBS = 7_000, 70
SIGNER = Signer("bench", bytes(range(32)))
KEYRING = Keyring({"bench": TrustedKey(SIGNER.secret)})

Figures = dict[str, dict[str, float]]


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    jobs = Workload(uuid7()).stream(SMOKE_JOBS if smoke else JOBS)
    plain = [job_payload(job, None) for job in jobs]
    signed = [job_payload(job, SIGNER) for job in jobs]
    rounds: list[Figures] = []
    for number in range(ROUNDS):
        rounds.append(
            {
                "write_us": {
                    "plain": _cost(lambda job: job_payload(job, None), jobs),
                    "signed": _cost(lambda job: job_payload(job, SIGNER), jobs),
                },
                "read_us": {
                    "plain": _cost(codec.read, plain),
                    "ignored": _cost(codec.read, signed),
                    "verified": _cost(lambda raw: codec.read(raw, KEYRING), signed),
                },
            }
        )
        on_round(f"round {number + 1}")
    sizes = {"plain": _mean(map(len, plain)), "signed": _mean(map(len, signed))}
    return {name: _best([one[name] for one in rounds]) for name in rounds[0]} | {"bytes": sizes}


def _cost(what: Callable[[Any], object], given: list[Any]) -> float:
    started = perf_counter()
    for one in given:
        what(one)
    return (perf_counter() - started) * 1_000_000 / len(given)


def _best(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(min(one[name] for one in rounds), 2) for name in rounds[0]}


def _mean(numbers: Iterable[int]) -> float:
    known = list(numbers)
    return round(sum(known) / len(known), 1)
