"""The functions of stock Arq: one a kind, each applies its one job by the same route."""

import sys
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from arq.constants import result_key_prefix
from arq.worker import Function, Retry, func

from jobs import codec
from jobs.codec import Poison, Request
from jobs.envelope import WIRE_KINDS
from jobs.errors import StoreUnavailable
from jobs.outcomes import Outcome
from jobs.signing import Keyring
from settings import Settings
from worker.apply import apply
from worker.backoff import full_jitter
from worker.deliveries import Deferred, Delivery, HandedBack, Kept, Refused, Settled
from worker.logs import configure_logging, log_signal
from worker.loops.running import start_loops, stop_loops
from worker.queue.holding import HAND_BACK_SECONDS
from worker.readiness import ready_keys, tell
from worker.results import KEEP_RESULT_SECONDS, envelope_id, kind_of, result_bytes
from worker.runtime import Runtime, close_runtime, open_runtime
from worker.signals import Signal

OTHERS = "anything_else"
"""Takes wake-ups, unknown kinds and what cannot be read: Arq drops functions it does not know."""

Context = dict[Any, Any]
Emit = Callable[[Signal], None]


async def apply_one(ctx: Context, request: Request) -> dict[str, Any] | None:
    """The job's outcome; None for what has none. Raises arq.Retry to be given the job again."""
    runtime: Runtime = ctx["runtime"]
    delivery = Delivery(ctx["job_id"], request, runtime.settings.queue_name)
    try:
        (disposition,) = await apply([delivery], runtime)
    except StoreUnavailable as error:
        raise Retry(defer=full_jitter(ctx["job_try"])) from error
    await tell(runtime.redis, ready_keys([disposition]))
    match disposition:
        case Settled(outcome):
            await _publish(delivery, outcome, runtime)
            return outcome.as_json()
        case Deferred(delay_seconds):
            raise Retry(defer=delay_seconds)
        case Refused(outcome):
            return outcome.as_json()
        case HandedBack():
            raise Retry(defer=HAND_BACK_SECONDS)
        case Kept():
            return None


async def _publish(delivery: Delivery, outcome: Outcome, runtime: Runtime) -> None:
    """Where Arq chose the entry's id, producers wait for the envelope's."""
    awaited = envelope_id(delivery.request)
    if awaited not in {None, delivery.arq_id}:
        raw = result_bytes(delivery, outcome, time.time_ns() // 1_000_000)
        await runtime.redis.set(f"{result_key_prefix}{awaited}", raw, ex=KEEP_RESULT_SECONDS)


FUNCTIONS: list[Function] = [func(apply_one, name=kind) for kind in (*WIRE_KINDS, OTHERS)]
OURS = frozenset(function.name for function in FUNCTIONS)


def reading(
    others: Collection[str] = (), keyring: Keyring | None = None
) -> Callable[[bytes], dict[str, Any]]:
    """Arq's `job_deserializer` for workers, which never raises: Arq's dict around what codec read.

    `others`: functions that are not ours; what is for them is passed on as it is.
    """

    def load_request(raw: bytes) -> dict[str, Any]:
        request = codec.read(raw, keyring)
        if others and isinstance(request, Poison) and codec.function_of(raw) in others:
            return codec.load(raw)
        kind = kind_of(request)
        return {
            "t": None,
            "f": kind if kind in WIRE_KINDS else OTHERS,
            "a": (request,),
            "k": {},
            "et": time.time_ns() // 1_000_000,
        }

    return load_request


def starting(settings: Settings, emit: Emit = log_signal) -> Callable[[Context], Awaitable[None]]:
    """An `on_startup` that opens the Runtime and starts the loops."""

    async def start(ctx: Context) -> None:
        configure_logging(settings.log_level, readable=sys.stderr.isatty())
        ctx["runtime"] = await open_runtime(settings, ctx["redis"], emit)
        ctx["loops"] = start_loops(ctx["runtime"])

    return start


async def stop(ctx: Context) -> None:
    """An `on_shutdown`: no loop runs and no connection is open any more."""
    await stop_loops(ctx.pop("loops", []))
    runtime: Runtime | None = ctx.pop("runtime", None)
    if runtime is not None:
        await close_runtime(runtime)
