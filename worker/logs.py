"""Signals as structured log lines, on standard error."""

import logging
from dataclasses import asdict

import structlog

from worker.signals import (
    BatchSplit,
    ConflictRetried,
    DeadLettered,
    HoldLost,
    JobBuried,
    LoopFailed,
    QueueEvicts,
    QueueLost,
    Signal,
    StoreLost,
    StreamLost,
    StreamRefused,
    Taken,
)

LOG = structlog.stdlib.get_logger("taskrail")


def configure_logging(level: str, *, readable: bool) -> None:
    """Log lines of `level` and above go to standard error: for people if `readable`, else JSON.

    Arq's own line per job costs more than the job (145 µs measured), so Arq only warns.
    """
    logging.basicConfig(format="%(message)s", level=level)
    logging.getLogger("arq").setLevel(logging.WARNING)
    renderer = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def log_signal(signal: Signal) -> None:
    """One line, named after the signal, with its figures."""
    LOG.log(_level(signal), type(signal).__name__, **asdict(signal))


def _level(signal: Signal) -> int:
    match signal:
        case JobBuried() | DeadLettered() | LoopFailed():
            return logging.ERROR
        case StoreLost() | QueueLost() | QueueEvicts() | StreamLost() | StreamRefused():
            return logging.ERROR
        case BatchSplit() | HoldLost():
            return logging.WARNING
        case ConflictRetried() | Taken():
            return logging.DEBUG
        case _:
            return logging.INFO
