"""The commands as an operator runs them: real processes, their output and their exit codes."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from jobs.envelope import EPHEMERAL_KINDS, WIRE_KINDS
from ops.checkout import CHECKOUT
from settings import Settings
from tests.databases import Database, administer, named
from tests.servers import own_folder
from tests.shell import Shell, shell_for

EXAMPLE, REFUSED = "examples/website-relaunch.jsonl", "examples/refused.jsonl"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with own_folder() as folder:
        yield folder


@pytest.fixture
def worker(shell: Shell) -> Iterator[subprocess.Popen[bytes]]:
    process = shell.start("worker")
    yield process
    process.terminate()
    assert process.wait(timeout=30) == 0


@pytest.mark.usefixtures("worker")
def test_the_example_is_applied_once_and_refused_a_second_time(shell: Shell) -> None:
    first = shell("enqueue", EXAMPLE, "--wait", "--json")
    second = shell("enqueue", EXAMPLE, "--wait", "--json")

    assert first.returncode == 0, first.stderr
    assert {line["status"] for line in json.loads(first.stdout)["lines"]} == {"applied"}
    assert second.returncode == 1
    lines = json.loads(second.stdout)["lines"]
    assert {line["status"] for line in lines} == {"rejected"}
    assert lines[0]["outcome"]["code"] == "already_exists"
    assert shell.document("verify")["violations"] == []


@pytest.mark.usefixtures("worker")
def test_a_bad_line_is_reported_by_number_and_keeps_no_other_from_being_sent(shell: Shell) -> None:
    run = shell("enqueue", REFUSED, "--wait", "--json")

    lines = {line["line"]: line["status"] for line in json.loads(run.stdout)["lines"]}
    assert run.returncode == 1
    assert lines == dict.fromkeys(range(1, 7), "bad") | {
        7: "applied",
        8: "rejected",
        9: "rejected",
        10: "applied",
        11: "applied",
        12: "rejected",
    }


@pytest.mark.usefixtures("worker")
def test_a_job_by_hand_is_applied_and_its_outcome_told_by_its_id(shell: Shell) -> None:
    job_id = str(uuid7())
    values = {"worker_id": str(uuid7()), "handle": "@ada", "name": "Ada", "kind": "human"}
    parameters = [word for key, value in values.items() for word in ("-p", f"{key}={value}")]

    run = shell("enqueue", "worker.register", *parameters, "--id", job_id, "--wait")
    outcome = shell.document("outcome", job_id, "--timeout", "30")

    assert run.returncode == 0, run.stderr
    assert run.stdout.count("\n") == 1
    assert outcome["job_id"] == job_id
    assert outcome["result"] == {"worker_id": values["worker_id"], "version": 1}


@pytest.mark.usefixtures("worker")
def test_durable_jobs_are_recorded_all_or_none(shell: Shell) -> None:
    renewal = json.dumps(
        {"kind": "task.renew", "payload": {"task_id": str(uuid7()), "token": 1}, "id": str(uuid7())}
    )
    lines = (CHECKOUT / EXAMPLE).read_text()

    refused = shell("enqueue", "-", "--durable", stdin=lines + renewal)
    accepted = shell("enqueue", "-", "--durable", "--wait", "--json", stdin=lines)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "task.renew is ephemeral" in refused.stderr
    assert accepted.returncode == 0, accepted.stderr
    assert {line["status"] for line in json.loads(accepted.stdout)["lines"]} == {"applied"}


def test_jobs_from_standard_input_wait_for_a_worker_that_ends_with_the_queue(shell: Shell) -> None:
    lines = (CHECKOUT / EXAMPLE).read_text()

    sent = shell("enqueue", "-", "--json", stdin=lines)
    worked = shell("worker", "--burst")

    assert {line["status"] for line in json.loads(sent.stdout)["lines"]} == {"queued"}
    assert worked.returncode == 0, worked.stderr
    last = json.loads(sent.stdout)["lines"][-1]["id"]
    assert shell.document("outcome", last)["result"]["status"] == "completed"


def test_an_unknown_outcome_tenant_or_actor_is_an_error_that_says_what_to_do(shell: Shell) -> None:
    runs = [
        shell("outcome", str(uuid7()), "--timeout", "0.1"),
        shell("outcome", str(uuid7()), "--tenant", "nobody"),
        shell("enqueue", "task.dispatch", "--actor", "@nobody"),
    ]

    assert [run.returncode for run in runs] == [1, 1, 1]
    assert all(run.stdout == "" and run.stderr.count("\n") == 1 for run in runs)


async def test_verify_exits_with_1_and_names_what_is_broken(
    shell: Shell, database: Database
) -> None:
    async with database.superuser.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO taskrail.project (tenant_id, id, slug, name)"
                " SELECT id, gen_random_uuid(), 'orphan', 'Orphan' FROM taskrail.tenant"
            )
        )

    run = shell("verify", "--json")

    assert run.returncode == 1
    violations = json.loads(run.stdout)["violations"]
    assert {violation["check"] for violation in violations} == {"no_orphans", "one_owner"}


def test_tenants_are_created_once_and_listed(shell: Shell) -> None:
    created = shell.document("tenants", "create", "acme", "--name", "Acme Ltd")
    again = shell("tenants", "create", "acme")

    assert again.returncode == 1
    listed = {tenant["slug"]: tenant for tenant in shell.document("tenants", "list")["tenants"]}
    assert listed["acme"] == created


def test_doctor_finds_a_healthy_installation_healthy(shell: Shell) -> None:
    report = shell.document("doctor")

    assert report["errors"] == 0
    assert {finding["level"] for finding in report["findings"]} == {"ok"}


def test_doctor_says_which_server_is_away_and_hides_its_password(shell: Shell) -> None:
    secret = "hunter2"  # noqa: S105 - made up
    away = Shell(shell.environment | {"TASKRAIL_REDIS_URL": f"redis://:{secret}@127.0.0.1:1/0"})

    run = away("doctor", "--json")

    assert run.returncode == 1
    wrong = [f for f in json.loads(run.stdout)["findings"] if f["level"] == "error"]
    assert [finding["subject"] for finding in wrong] == ["redis"]
    assert secret not in run.stdout + run.stderr


def test_a_server_that_is_away_is_said_in_one_line(shell: Shell) -> None:
    secret = "hunter2"  # noqa: S105 - made up
    url = f"postgresql://app:{secret}@127.0.0.1:1/taskrail"

    run = Shell(shell.environment | {"TASKRAIL_DATABASE_URL": url})("verify")

    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert secret not in run.stderr


async def test_an_empty_database_is_migrated_up_and_down(servers: Settings) -> None:
    name = f"empty_{uuid4().hex}"
    await administer(servers, f"CREATE DATABASE {name}")
    shell = shell_for(named(servers, name))

    assert shell("migrate", "current").returncode == 1
    assert shell("migrate", "upgrade").returncode == 0
    assert shell.document("migrate", "current")["is_newest"]
    assert shell.document("migrate", "check") == {"difference": None}
    assert shell("migrate", "downgrade", "base").returncode == 2
    assert shell("migrate", "downgrade", "base", "--yes").returncode == 0

    await administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


def test_the_demo_spares_a_foreign_server_without_yes(shell: Shell) -> None:
    run = shell("demo")

    assert run.returncode == 1
    assert "--yes" in run.stderr


@pytest.mark.timeout(300)
def test_the_demo_accounts_for_every_job_and_can_be_repeated(shell: Shell) -> None:
    for _ in range(2):
        report = shell.document("demo", "--jobs", "300", "--yes")

        assert report["accepted"] >= 300
        assert report["accepted"] == report["applied"] + report["rejected"] + report["buried"]
        assert (report["buried"], report["violations"]) == (0, 0)
        assert report["jobs_per_second"] > 0
        applied = {kind for kind, by_status in report["by_kind"].items() if "applied" in by_status}
        assert applied == set(WIRE_KINDS) - EPHEMERAL_KINDS


def test_up_runs_everything_in_the_background_until_down(data_dir: Path) -> None:
    shell = Shell({"TASKRAIL_DATA_DIR": str(data_dir)})

    started = shell("up", "--detach")
    again = shell("up")
    applied = shell("enqueue", EXAMPLE, "--wait")
    stopped = shell("down")
    nothing = shell("down")

    assert started.returncode == 0, started.stderr
    assert again.returncode == 1
    assert applied.returncode == 0, applied.stderr
    assert (stopped.returncode, nothing.returncode) == (0, 1)


def test_up_in_the_foreground_ends_well_on_sigterm(shell: Shell) -> None:
    process = shell.start("up")

    applied = shell("enqueue", EXAMPLE, "--wait")
    process.send_signal(signal.SIGTERM)

    assert applied.returncode == 0, applied.stderr
    assert process.wait(timeout=30) == 0
