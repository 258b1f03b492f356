"""taskrail as an operator runs it: a real process, its output and its exit code."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from ops.checkout import CHECKOUT
from settings import Settings
from tests.databases import Database
from tests.forked import Run, taskrail


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs taskrail with this environment and nothing else of its own."""

    environment: dict[str, str]

    def __call__(self, *arguments: str, stdin: str = "") -> Run:
        return taskrail(arguments, self._environment(), stdin)

    def document(self, *arguments: str) -> Any:
        """What a command prints that has done what it said."""
        run = self(*arguments, "--json")
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "ops", *arguments],
            cwd=CHECKOUT,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _environment(self) -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | self.environment


def shell_for(settings: Settings) -> Shell:
    return Shell(
        {
            "TASKRAIL_DATABASE_URL": settings.resolved_database_url.get_secret_value(),
            "TASKRAIL_REDIS_URL": settings.resolved_redis_url.get_secret_value(),
            "TASKRAIL_QUEUE_NAME": f"commands:{uuid4().hex}",
        }
    )


@pytest.fixture
def shell(database: Database) -> Shell:
    """taskrail on this test's database, with a queue of its own."""
    return shell_for(database.settings)
