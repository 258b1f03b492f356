"""taskrail in a process of its own that need not import anything: 0.1 s instead of one."""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

from ops.checkout import CHECKOUT
from ops.cli import COMMANDS, main

Run = CompletedProcess[str]

# It has the environment of the first who asks for a run; each run gets its own, but what modules
# read of it when they were imported (worker/settings.py, for Arq's command line) stays.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__, *(f"ops.commands.{name}" for name in COMMANDS)])


def taskrail(arguments: Sequence[str], environment: Mapping[str, str], stdin: str) -> Run:
    """How `python -m ops` with these arguments ended, and what it wrote."""
    with TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(stdin)
        process = FORKS.Process(target=_run, args=(arguments, environment, streams))
        process.start()
        try:
            process.join()
        finally:
            process.kill()  # whoever stops waiting leaves nobody behind
        code = process.exitcode
        if code is None:
            raise RuntimeError("it was waited for and has not ended")
        return Run(arguments, code, streams[1].read_text(), streams[2].read_text())


def _run(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[Path]) -> None:
    os.chdir(CHECKOUT)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        os.dup2(os.open(stream, os.O_RDWR | os.O_CREAT), number)
    # Multiprocessing has put an empty one in its place.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it lives as long as the process
    sys.argv[1:] = arguments
    main()
