"""No process outlives the one that started it, however that one dies, where Linux runs."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def ending_with_parent(how: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the child gets this signal when the *thread* that started it has ended."""
    parent = os.getpid()

    def prepare() -> None:
        if sys.platform == "linux":
            LIBC.prctl(PR_SET_PDEATHSIG, how)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(1)

    return prepare
