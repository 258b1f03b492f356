"""The command line by itself: what it knows without a server."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
import pytest
from click.testing import CliRunner
from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import MAX_ENVELOPE_BYTES
from jobs.payloads.lifecycle import CompleteTask
from jobs.payloads.project import CreateProject
from jobs.payloads.task import CreateTask, NewTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job
from ops.checkout import CHECKOUT
from ops.cli import COMMANDS, taskrail
from ops.failure import CommandFailed, described, redacted
from ops.intake.lines import Bad, Defaults, Sendable, read_lines
from ops.intake.order import in_order
from ops.intake.parameters import payload_of

DISPATCH = {"kind": "task.dispatch", "payload": {}}
HEAVY = ("sqlalchemy", "sqlmodel", "pydantic", "alembic", "arq", "redis", "rich", "asyncpg")


def called(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    run = called("-X", "importtime", "-m", "ops", "--help")

    assert run.returncode == 0
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()
    }
    assert imported.isdisjoint(HEAVY)


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(taskrail, ["--help"])

    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """In a process that has imported nothing else."""
    run = called("-m", "ops", name, "--help")

    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"Usage: taskrail {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_sub_command_says_what_it_does(name: str) -> None:
    command: click.Command = import_module(f"ops.commands.{name}").command

    below = command.commands.values() if isinstance(command, click.Group) else []
    assert all(one.help for one in (command, *below))


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["verify", "--no-such-option"],
        ["enqueue"],
        ["tenants", "create", "Not A Slug"],
        ["outcome", "no-uuid"],
        ["enqueue", "task.comment", "-p", "no-equals-sign"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: Sequence[str]) -> None:
    result = CliRunner().invoke(taskrail, arguments)

    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_kinds_are_one_json_document() -> None:
    result = CliRunner().invoke(taskrail, ["enqueue", "--kinds", "--json"])

    kinds = {entry["kind"]: entry for entry in json.loads(result.stdout)["kinds"]}
    assert kinds["task.comment"]["required"] == ["task_id", "comment_id", "body"]
    assert "lease.expire" not in kinds


def test_a_missing_file_is_said_in_one_line() -> None:
    result = CliRunner().invoke(taskrail, ["enqueue", "/nowhere/jobs.jsonl"])

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "/nowhere/jobs.jsonl" in result.stderr


def test_an_unforeseen_error_is_one_line_without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "broken", "Breaks.")
    monkeypatch.setitem(sys.modules, "ops.commands.broken", _broken_module())

    quiet = CliRunner().invoke(taskrail, ["broken"])
    verbose = CliRunner().invoke(taskrail, ["broken", "-v"])

    assert quiet.exit_code == verbose.exit_code == 1
    assert quiet.stderr.count("\n") == 1
    assert "ZeroDivisionError" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in verbose.stderr


def test_passwords_in_urls_are_never_printed() -> None:
    secret = "p@ss/w:rd"  # noqa: S105 - made up
    error = OSError(f"cannot reach postgresql://app:{secret}@db.example/taskrail")

    assert secret not in described(error).format_message()
    assert secret not in CommandFailed("What", str(error), "what to do").format_message()
    assert redacted("redis://:hunter2@cache:6379/0") == "redis://:***@cache:6379/0"


def test_parameters_are_text_after_an_equals_sign_and_json_after_a_colon() -> None:
    assert payload_of(["title=a=b", "progress:=50", 'tags:=["x"]', "body="]) == {
        "title": "a=b",
        "progress": 50,
        "tags": ["x"],
        "body": "",
    }


def test_of_several_errors_at_once_the_first_is_said() -> None:
    error = ExceptionGroup("several", [OSError("the disk is full"), ValueError("else")])

    assert "the disk is full" in described(error).format_message()


def test_what_a_line_leaves_out_is_filled_in() -> None:
    defaults = Defaults(tenant_id=uuid7(), actor_id=uuid7())

    (line,) = read_lines([json.dumps(DISPATCH)], defaults)

    assert isinstance(line, Sendable)
    assert (line.job.tenant_id, line.job.actor_id) == (defaults.tenant_id, defaults.actor_id)
    assert line.job.id.version == 7


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"payload": {"task_id": str(uuid7()), "progress": 40}}, 1),
        ({"schema_version": 2, "payload": {"task_id": str(uuid7()), "percent": 40}}, 2),
    ],
)
def test_a_line_without_a_version_is_of_the_first_and_is_sent_on_as_that(
    fields: dict[str, Any], version: int
) -> None:
    (line,) = read_lines([json.dumps({"kind": "task.progress"} | fields)], Defaults(uuid7()))

    assert isinstance(line, Sendable)
    assert line.job.payload.percent == 40
    (job,) = in_order([line.job])
    written = job.model_dump(mode="json", exclude_unset=True)
    assert (written["schema_version"], written["payload"]) == (version, fields["payload"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"text"', "not a JSON object"),
        ('{"kind": "task.levitate", "payload": {}}', "there is no kind"),
        ('{"payload": {}}', "kind"),
        ('{"kind": "task.dispatch", "schema_version": 99, "payload": {}}', "schema_version"),
        ('{"kind": "task.dispatch", "payload": {"limit": 0}}', "payload.limit"),
        ('{"kind": "lease.expire", "payload": {}}', "system"),
        ("x" * (MAX_ENVELOPE_BYTES + 1), "longer"),
    ],
)
def test_a_bad_line_is_numbered_and_says_what_is_wrong(text: str, said: str) -> None:
    good, bad = read_lines(["", json.dumps(DISPATCH), text], Defaults(uuid7()))

    assert isinstance(good, Sendable)
    assert isinstance(bad, Bad)
    assert (good.line, bad.line) == (2, 3)
    assert said in bad.message


def test_lines_come_after_those_that_made_what_they_name() -> None:
    tenant_id, ada, project_id, parent, child = (uuid7() for _ in range(5))
    register = RegisterWorker(worker_id=ada, handle="@ada", name="Ada", kind=WorkerKind.HUMAN)
    tree = CreateTask(
        project_id=project_id,
        task_id=parent,
        title="Whole",
        subtasks=[NewTask(task_id=child, title="Part")],
    )
    jobs = [
        new_job(register, tenant_id),
        new_job(CreateProject(project_id=project_id, slug="p", name="P"), tenant_id, ada),
        new_job(tree, tenant_id, ada),
        new_job(CompleteTask(task_id=child), tenant_id, ada),
        new_job(CompleteTask(task_id=parent), tenant_id, ada),
    ]

    ordered = in_order(jobs)

    registered, created, _, part_done, _ = (job.id for job in jobs)
    assert [job.id for job in ordered] == [job.id for job in jobs]
    assert ordered[1].after == [registered]
    assert set(ordered[2].after) == {registered, created}
    assert part_done in ordered[4].after


def _broken_module() -> object:
    @click.command
    def command() -> None:
        """Break."""
        raise ZeroDivisionError("division by zero")

    class Module:
        pass

    module = Module()
    module.command = command  # type: ignore[attr-defined]  # a module is what has a command
    return module
