"""The reads as an operator or another program runs them."""

import json
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import ClaimTask
from jobs.payloads.task import NewDependency, NewTask
from ops.cli import taskrail
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.reading import done, made
from worker.apply import apply
from worker.runtime import Runtime
