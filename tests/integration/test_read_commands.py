"""The reads as an operator or another program runs them: real processes."""

import pytest
from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import ClaimTask, CompleteTask
from jobs.payloads.task import DeleteTask, NewTask, UpdateTask
from tests.asking import Cast
from tests.engine import Engine, batch_engine
from tests.reading import done, made
from tests.shell import Shell

engine = batch_engine


@pytest.fixture
def tenant(cast: Cast) -> tuple[str, str]:
    return "--tenant", f"tenant-{cast.tenant_id.hex[-12:]}"


async def test_a_list_says_what_was_asked_for_and_leads_to_its_next_page(
    engine: Engine, cast: Cast, shell: Shell, tenant: tuple[str, str]
) -> None:
    await made(engine, cast, "A", "B", priority="high", tags=["x"])
    await made(engine, cast, "C")
    asked = ("tasks", "list", *tenant, "--priority", "high", "--tag", "x", "--status", "pending",
             "--project", cast.project().slug, "--sort", "title", "--limit", "1")  # fmt: skip

    first = shell.document(*asked)
    second = shell.document(*asked, "--after", first["after"])
    mistaken = shell("tasks", "list", *tenant, "--after", "nonsense")

    assert [task["title"] for task in first["tasks"] + second["tasks"]] == ["A", "B"]
    assert second["after"] is None
    assert first["tasks"][0]["priority"] == "high"
    assert (mistaken.returncode, "no cursor" in mistaken.stderr) == (2, True)


async def test_a_task_is_shown_with_its_tree_and_its_history(
    engine: Engine, cast: Cast, shell: Shell, tenant: tuple[str, str]
) -> None:
    task_id = uuid7()
    subtask = NewTask(task_id=uuid7(), title="Part", assignee_id=cast.human)
    await done(engine, cast.task(task_id, title="Whole", subtasks=[subtask]))

    shown = shell.document("tasks", "show", str(task_id), *tenant)
    tree = shell("tasks", "tree", str(task_id), *tenant)
    cut = shell.document("tasks", "tree", str(task_id), *tenant, "--depth", "0")
    history = shell.document("tasks", "history", str(task_id), *tenant)

    assert shown["task"]["title"] == "Whole"
    assert [task["title"] for task in shown["subtasks"]] == ["Part"]
    assert tree.stdout == "Whole  [pending, 0 %]\n  Part  [pending, 0 %]\n"
    assert (cut["subtasks"], cut["is_cut"]) == ([], True)
    assert [event["kind"] for event in history["events"]] == ["task.created"]


async def test_projects_and_agents_are_listed_with_what_they_have(
    engine: Engine, cast: Cast, shell: Shell, tenant: tuple[str, str]
) -> None:
    (held,) = await made(engine, cast, "Held")
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=held)))
    slug = cast.project().slug

    listed = shell.document("projects", *tenant)
    shown = shell.document("projects", "show", slug, *tenant)
    agents = shell.document("agents", *tenant, "--kind", "agent")

    assert [project["slug"] for project in listed["projects"]] == [slug]
    assert shown["counts"]["in_progress"] == 1
    assert len(shown["members"]) == 3
    assert [held["title"] for held in agents["workers"][0]["holds"]] == ["Held"]


async def test_a_task_is_shown_as_it_was_and_how_it_differs(
    engine: Engine, cast: Cast, shell: Shell, tenant: tuple[str, str]
) -> None:
    (task_id,) = await made(engine, cast, "Old")
    update = UpdateTask(task_id=task_id, title="New")
    await done(engine, cast.by(cast.human, update), cast.by(cast.agent, ClaimTask(task_id=task_id)))
    asked = ("tasks", "history", str(task_id), *tenant)

    then = shell.document(*asked, "--as-of", "1")
    now = shell.document(*asked, "--as-of", "2100-01-01T00:00:00Z")
    diff = shell.document(*asked, "--diff", "1", "3")

    assert (then["task"]["title"], then["version"], then["lease"]) == ("Old", 1, None)
    assert (now["task"]["title"], now["version"], now["lease"]["token"]) == ("New", 3, 1)
    changed = {change["name"]: change["new"] for change in diff["changed"]}
    assert (changed["title"], changed["status"]) == ("New", "in_progress")
    assert [event["kind"] for event in diff["events"]] == ["task.updated", "task.claimed"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--as-of", "9"), 1),
        (("--as-of", "2000-01-01T00:00:00Z"), 1),
        (("--as-of", "yesterday"), 2),
        (("--as-of", "2026-01-01"), 2),
        (("--diff", "1"), 2),
        (("--as-of", "1", "--diff", "1", "1"), 2),
    ],
)
async def test_a_moment_that_never_was_is_refused(
    engine: Engine,
    cast: Cast,
    shell: Shell,
    tenant: tuple[str, str],
    options: tuple[str, ...],
    code: int,
) -> None:
    (task_id,) = await made(engine, cast, "Old")

    run = shell("tasks", "history", str(task_id), *tenant, *options, "--json")

    assert (run.returncode, run.stdout) == (code, "")
    assert "Traceback" not in run.stderr


async def test_what_is_ready_what_was_done_and_what_was_deleted_is_listed(
    engine: Engine, cast: Cast, shell: Shell, tenant: tuple[str, str]
) -> None:
    ready, finished, gone = await made(engine, cast, "Ready", "Finished", "Gone")
    await done(
        engine,
        cast.by(cast.agent, ClaimTask(task_id=finished)),
        cast.by(cast.agent, CompleteTask(task_id=finished, token=1)),
        cast.by(cast.owner, DeleteTask(task_id=gone)),
    )
    agent = f"@agent-{cast.agent.hex[-12:]}"

    lists = [
        shell.document("tasks", "ready", agent, *tenant)["tasks"],
        shell.document("agents", "completions", agent, *tenant)["tasks"],
        shell.document("tasks", "deleted", *tenant)["deleted"],
    ]
    happened = shell.document("projects", "activity", cast.project().slug, *tenant)["events"]

    assert [[row["id"] for row in rows] for rows in lists] == [
        [str(ready)],
        [str(finished)],
        [str(gone)],
    ]
    assert happened[0]["kind"] == "task.deleted"


async def test_without_json_there_are_tables_for_people(
    engine: Engine, cast: Cast, shell: Shell, tenant: tuple[str, str]
) -> None:
    (task_id,) = await made(engine, cast, "Paint [red] doors", description="Twice")
    slug = cast.project().slug

    for arguments, said in (
        (("tasks", "list"), "Paint [red] doors"),
        (("tasks", "show", str(task_id)), "Twice"),
        (("tasks", "history", str(task_id)), "task.created"),
        (("tasks", "history", str(task_id), "--as-of", "1"), "Paint [red] doors"),
        (("tasks", "history", str(task_id), "--diff", "1", "1"), "Changes"),
        (("tasks", "ready", f"@agent-{cast.agent.hex[-12:]}"), "Paint [red] doors"),
        (("tasks", "deleted"), "Deleted"),
        (("projects", "activity", slug), "task.created"),
        (("projects", "show", slug), "Relaunch"),
        (("agents",), "Robot"),
    ):
        run = shell(*arguments, *tenant)
        assert (run.returncode, said in run.stdout) == (0, True), run.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("tasks", "show", str(uuid7())),
        ("tasks", "tree", str(uuid7())),
        ("tasks", "history", str(uuid7())),
        ("tasks", "list", "--project", "nowhere"),
        ("tasks", "list", "--assignee", "@nobody"),
        ("projects", "show", "nowhere"),
    ],
)
def test_what_is_not_there_ends_the_command_with_one_line(
    shell: Shell, tenant: tuple[str, str], arguments: tuple[str, ...]
) -> None:
    run = shell(*arguments, *tenant, "--json")

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("Error: No ")
