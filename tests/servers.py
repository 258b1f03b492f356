"""The servers of a test session: made by it, marked as its own, gone with it."""

import os
from collections.abc import Iterator

import pytest

from ops.embedded.temporary import own_folder, own_servers
from settings import PREFIX, Settings, bare_environment

__all__ = ["forget_environment", "own_folder", "own_servers", "servers"]

NOWHERE = "/dev/null/taskrail"
"""The data folder of those who forget to name one: no server can be started or found there."""


def forget_environment() -> None:
    """No test can reach the servers of an operator: neither those he names nor his embedded ones.

    The same holds for the processes that tests start.
    """
    for name in os.environ.keys() - bare_environment().keys():
        del os.environ[name]
    os.environ[f"{PREFIX}DATA_DIR"] = NOWHERE


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """The session's servers, as settings that lead to them."""
    with own_servers() as settings:
        yield settings
