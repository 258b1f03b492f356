"""`taskrail` in a process whose clock is wrong: `python -m tests.skewed SECONDS worker`.

Whoever asks for the time gets it so many seconds later; what is monotonic stays right. On stderr a
worker says when it begins to work: from then on it ends with 0 when it is told to stop.
"""

import os
import runpy
import sys
import time

NANOSECONDS = 1_000_000_000
AT_WORK = "at work: "
"""The process id follows."""


def skew(seconds: int) -> None:
    """To be called before anybody has imported these functions by name."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + seconds * NANOSECONDS


def say_when_at_work() -> None:
    from worker.consumer import Consumer  # noqa: PLC0415 - it is to see the wrong clock

    main = Consumer.main

    async def main_aloud(self: Consumer) -> None:
        sys.stderr.write(f"{AT_WORK}{os.getpid()}\n")
        sys.stderr.flush()
        await main(self)

    Consumer.main = main_aloud  # type: ignore[method-assign]


if __name__ == "__main__":
    skew(int(sys.argv.pop(1)))
    say_when_at_work()
    runpy.run_module("ops", run_name="__main__", alter_sys=True)
