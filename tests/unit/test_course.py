"""Habits of the code that are easily lost, and that no other test would miss."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import click

from db import models
from db.models import metadata
from db.models.base import Table
from ops.checkout import CHECKOUT
from ops.commands.migrate import command as migrate
from settings import Settings

PRODUCT = ("jobs", "db", "worker", "ops", "migrations")
BLOCKING = {"psycopg", "psycopg2", "pg8000", "MySQLdb", "pymysql"}
"""Drivers that would stop the event loop."""


def test_a_worker_imports_no_driver_that_blocks() -> None:
    said = "import sys, worker.settings, ops.commands.worker; print(*sys.modules, sep='\\n')"

    imported = subprocess.run(
        [sys.executable, "-c", said], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "asyncpg" in imported
    assert BLOCKING.isdisjoint(imported)


def test_a_task_repeats_nothing_of_its_project_or_its_people() -> None:
    columns = {column.name for column in metadata.tables["taskrail.task"].columns}
    foreign = {"slug", "handle", "email", "name"}

    assert not {column for column in columns if any(word in column for word in foreign)}


def test_every_table_of_the_package_is_in_the_schema_and_has_a_key() -> None:
    modules = [import_module(f"db.models.{found.name}") for found in iter_modules(models.__path__)]
    tables = {
        model.__tablename__
        for module in modules
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Table) and hasattr(model, "__table__")
    }

    assert tables == {table.name for table in metadata.tables.values()}
    assert all(len(table.primary_key) for table in metadata.tables.values())


def test_no_event_is_about_nothing() -> None:
    event = metadata.tables["taskrail.event"]

    assert not event.c.entity_id.nullable
    assert not event.c.job_id.nullable


def test_one_module_makes_engines_and_sessions() -> None:
    makers = {"create_async_engine", "async_sessionmaker", "sessionmaker"}

    made = {path for path, call in _calls() if call in makers}

    assert made == {"db/engine.py"}


def test_the_one_who_opens_a_transaction_ends_it() -> None:
    ends = {"commit", "rollback"}
    called_by_others = ("jobs/", "db/repositories/", "db/loading/", "db/reads/")

    ending = {path for path, call in _calls() if call in ends}

    assert {path for path in ending if path.startswith(called_by_others)} == set()


def test_nothing_is_loaded_eagerly_or_echoed() -> None:
    unwanted = {"joinedload", "selectinload", "subqueryload"}
    keywords = {
        keyword.arg
        for _, node in _nodes()
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    }

    assert {path for path, call in _calls() if call in unwanted} == set()
    assert "echo" not in keywords


def test_the_revision_of_a_schema_cannot_be_claimed_without_migrating() -> None:
    assert isinstance(migrate, click.Group)
    assert "stamp" not in migrate.commands


def test_a_pool_is_small_and_nobody_waits_for_ever() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}

    assert (defaults["pool_size"], defaults["pool_overflow"]) == (4, 1)
    assert (defaults["pool_timeout_seconds"], defaults["pool_recycle_seconds"]) == (30.0, 300)


def test_a_warning_fails_a_test_and_all_run_in_the_loop_of_the_session() -> None:
    tools = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]

    options = tools["pytest"]["ini_options"]

    assert options["filterwarnings"] == ["error"]
    assert options["asyncio_mode"] == "auto"
    assert options["asyncio_default_fixture_loop_scope"] == "session"
    assert options["asyncio_default_test_loop_scope"] == "session"


def test_local_secrets_are_not_committed() -> None:
    assert ".env" in (CHECKOUT / ".gitignore").read_text().split()


def _calls() -> Iterator[tuple[str, str]]:
    """The file and the last name of every call in the product."""
    for path, node in _nodes():
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(name) | ast.Attribute(attr=name):
                    yield path, name


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for package in PRODUCT:
        for path in (CHECKOUT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                yield str(path.relative_to(CHECKOUT)), node
