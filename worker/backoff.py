"""How long to wait before trying again."""

import random

FIRST_SECONDS, LONGEST_SECONDS = 0.05, 5.0


def full_jitter(
    attempt: int, longest_seconds: float = LONGEST_SECONDS, first_seconds: float = FIRST_SECONDS
) -> float:
    """Seconds to wait after failure number `attempt` (from 1): up to twice as long each time.

    Full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    longest = min(longest_seconds, first_seconds * 2.0 ** min(attempt - 1, 30))
    return random.uniform(0, longest)  # noqa: S311 - jitter, not a secret
