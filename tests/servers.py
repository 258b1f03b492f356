"""The servers of a test session: made by it, marked as its own, gone with it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.embedded.supervisor import embedded_servers
from settings import PREFIX, Settings


@contextmanager
def own_servers() -> Iterator[Settings]:
    """An embedded PostgreSQL and Valkey on a folder of their own, whatever the environment says."""
    forget_environment()
    with tempfile.TemporaryDirectory(prefix="taskrail-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # root's servers run as another user, who must get through
        settings = Settings(data_dir=Path(folder) / "data")
        with embedded_servers(settings) as servers:
            if not servers.is_supervisor:
                raise RuntimeError("these servers are somebody else's: no test runs on them")
            yield settings


def forget_environment() -> None:
    """No test can reach the servers that an operator's environment names."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            del os.environ[name]


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """The session's servers, as settings that lead to them."""
    with own_servers() as settings:
        yield settings
