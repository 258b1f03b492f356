"""`taskrail` in a process whose clock is wrong: `python -m tests.skewed SECONDS worker`.

Whoever asks for the time gets it so many seconds later; what is monotonic stays right.
"""

import runpy
import sys
import time

NANOSECONDS = 1_000_000_000


def skew(seconds: int) -> None:
    """To be called before anybody has imported these functions by name."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + seconds * NANOSECONDS


if __name__ == "__main__":
    skew(int(sys.argv.pop(1)))
    runpy.run_module("ops", run_name="__main__", alter_sys=True)
