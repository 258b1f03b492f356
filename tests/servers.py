"""The servers of a test session: made by it, marked as its own, gone with it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.embedded.supervisor import embedded_servers
from settings import PREFIX, Settings

NOWHERE = "/dev/null/taskrail"
"""The data folder of those who forget to name one: no server can be started or found there."""


def forget_environment() -> None:
    """No test can reach the servers of an operator: neither those he names nor his embedded ones.

    The same holds for the processes that tests start.
    """
    for name in list(os.environ):
        if name.startswith(PREFIX):
            del os.environ[name]
    os.environ[f"{PREFIX}DATA_DIR"] = NOWHERE


@contextmanager
def own_servers() -> Iterator[Settings]:
    """An embedded PostgreSQL and Valkey on a folder of their own, whatever the environment says."""
    forget_environment()
    with own_folder() as folder:
        settings = Settings(data_dir=folder)
        with embedded_servers(settings) as servers:
            if not servers.is_supervisor:
                raise RuntimeError("these servers are somebody else's: no test runs on them")
            yield settings


@contextmanager
def own_folder() -> Iterator[Path]:
    """A data folder that is not there yet; it is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="taskrail-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # root's servers run as another user, who must get through
        yield Path(folder) / "data"


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """The session's servers, as settings that lead to them."""
    with own_servers() as settings:
        yield settings
