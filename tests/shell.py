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

LEFT_OUT = {"NO_COLOR", "PYTHONDONTWRITEBYTECODE"}
TASKRAIL = (sys.executable, "-m", "ops")

Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs taskrail with this environment and nothing else of its own."""

    environment: dict[str, str]

    def __call__(self, *arguments: str, stdin: str = "") -> Run:
        return subprocess.run(
            [*TASKRAIL, *arguments],
            cwd=CHECKOUT,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def document(self, *arguments: str) -> Any:
        """What a command prints that has done what it said."""
        run = self(*arguments, "--json")
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*TASKRAIL, *arguments],
            cwd=CHECKOUT,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _environment(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        return others | self.environment


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder for bytecode: dozens of processes need not compile a thousand modules each."""
    return {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}


def shell_for(settings: Settings, environment: dict[str, str]) -> Shell:
    return Shell(
        environment
        | {
            "TASKRAIL_DATABASE_URL": settings.resolved_database_url.get_secret_value(),
            "TASKRAIL_REDIS_URL": settings.resolved_redis_url.get_secret_value(),
            "TASKRAIL_QUEUE_NAME": f"commands:{uuid4().hex}",
        }
    )


@pytest.fixture
def shell(database: Database, compiled: dict[str, str]) -> Shell:
    """taskrail on this test's database, with a queue of its own."""
    return shell_for(database.settings, compiled)
