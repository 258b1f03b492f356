"""`taskrail dead` as an operator looks with it: real processes."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.codec import UnknownJob
from tests.asking import Cast
from tests.dying import Bury, fingerprint_of, letter
from tests.engine import Engine, batch_engine
from tests.reading import done, made
from tests.rows import snapshot
from tests.shell import Shell

ESCAPE = "\x1b"

engine = batch_engine


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


async def test_the_dead_of_both_kinds_are_listed_the_latest_first_a_page_at_a_time(
    engine: Engine, shell: Shell, bury: Bury
) -> None:
    first, second = await bury(uuid7(), error="one"), await bury(uuid7(), error="two")
    unreadable = await letter(engine, b"\xff")
    everyone = [unreadable, str(second[0].id), str(first[0].id)]

    whole = shell.document("dead", "list")
    page = shell.document("dead", "--limit", "2")
    rest = shell.document("dead", "list", "--limit", "2", "--after", page["after"])

    assert (ids(whole["dead"]), whole["after"]) == (everyone, None)
    assert ids(page["dead"]) + ids(rest["dead"]) == everyone
    assert [row["reason"] for row in whole["dead"]] == ["unreadable", "buried", "buried"]
    assert all(row["error"] and row["fingerprint"] and row["attempts"] for row in whole["dead"])


async def test_each_filter_leaves_what_it_says(
    engine: Engine, cast: Cast, shell: Shell, bury: Bury
) -> None:
    (early,), (late,) = await bury(uuid7(), error="one"), await bury(uuid7(), error="two")
    unreadable = await letter(engine, b"\xff")
    between = (await engine.row("job", cast.tenant_id, late.id))["settled_at"].isoformat()
    slug = f"tenant-{cast.tenant_id.hex[-12:]}"

    def listed(*options: str) -> list[str]:
        return ids(shell.document("dead", "list", *options)["dead"])

    assert listed("--tenant", slug, "--kind", "task.comment") == [str(late.id), str(early.id)]
    assert listed("--kind", "task.create") == []
    assert listed("--fingerprint", fingerprint_of("one")) == [str(early.id)]
    assert listed("--reason", "unreadable") == [unreadable]
    assert listed("--since", between) == [unreadable, str(late.id)]
    assert listed("--until", between) == [str(early.id)]


async def test_equal_errors_are_one_group(shell: Shell, bury: Bury) -> None:
    await bury(uuid7(), uuid7(), uuid7(), error="job 17 is odd")
    await bury(uuid7(), error="another")

    groups = shell.document("dead", "groups")["groups"]

    told = {group["fingerprint"]: (group["number"], group["kind"]) for group in groups}
    assert told == {
        fingerprint_of("job 17 is odd"): (3, "task.comment"),
        fingerprint_of("another"): (1, "task.comment"),
    }
    page = shell.document("dead", "groups", "--limit", "1")
    rest = shell.document("dead", "groups", "--after", page["after"])
    assert page["groups"] + rest["groups"] == groups


async def test_one_is_shown_with_all_that_is_kept(engine: Engine, shell: Shell, bury: Bury) -> None:
    (job,) = await bury(uuid7())
    dead_letter = await letter(engine, b'{"a": 1} \xff')

    shown, bytes_ = (shell.document("dead", "show", one) for one in (str(job.id), dead_letter))

    assert shown["envelope"]["payload"]["body"] == "Good"
    assert "break_down" in shown["traceback"]
    assert (bytes_["raw_base64"], bytes_["text"]) == ("eyJhIjogMX0g/w==", None)
    assert (bytes_["size"], bytes_["error"]) == (10, "not JSON")


async def test_what_is_parked_is_listed_apart_and_not_replayed(
    engine: Engine, cast: Cast, shell: Shell
) -> None:
    envelope = cast.task().model_dump(mode="json") | {"kind": "task.levitate"}
    await engine.statuses(
        [UnknownJob(cast.tenant_id, UUID(envelope["id"]), "task.levitate", envelope)]
    )

    parked = shell.document("dead", "list", "--parked")["dead"]
    refused = shell("dead", "replay", envelope["id"])

    assert shell.document("dead", "list")["dead"] == []
    assert (ids(parked), parked[0]["reason"]) == ([envelope["id"]], "parked")
    assert (refused.returncode, "by itself" in refused.stderr) == (1, True)


BAD_INPUT = [
    ("replay",),
    ("replay", "no-uuid"),
    ("replay", "ID", "--fingerprint", "0123456789abcdef"),
    ("replay", "--fingerprint", "all"),
    ("replay", "ID", "--reason", "parked"),
    ("replay", "ID", "--by", "two\nlines"),
    ("replay", "ID", "--by", " "),
    ("replay", "ID", "--why", "x" * 501),
    ("replay", "ID", "--limit", "0"),
    ("discard", "ID"),
    ("discard", "ID", "--why", " "),
    ("discard", "--why", "a test"),
    ("list", "--since", "yesterday"),
    ("list", "--since", "2026-11-23T09:00:00"),
    ("list", "--since", "2026-11-23T09:00Z", "--until", "2026-11-23T09:00Z"),
    ("list", "--after", "nonsense"),
    ("groups", "--after", "nonsense"),
    ("list", "--parked", "--reason", "buried"),
    ("list", "--kind", "Not a kind"),
    ("show", "no-uuid"),
]


async def test_bad_input_changes_nothing_and_exits_with_2(
    engine: Engine, shell: Shell, bury: Bury
) -> None:
    (job,) = await bury(uuid7())
    before = await snapshot(engine)

    for options in BAD_INPUT:
        run = shell("dead", *(str(job.id) if word == "ID" else word for word in options))
        assert (run.returncode, run.stdout) == (2, ""), options
        assert "Traceback" not in run.stderr

    assert await snapshot(engine) == before


async def test_what_is_not_dead_is_said_in_one_line(
    engine: Engine, cast: Cast, shell: Shell
) -> None:
    job = cast.task()
    await done(engine, job)

    for arguments in (
        ("replay", str(uuid7())),
        ("replay", str(job.id)),
        ("discard", str(job.id), "--why", "a test"),
        ("replay", "--fingerprint", "0123456789abcdef"),
        ("show", str(uuid7())),
        ("list", "--tenant", "nowhere"),
    ):
        run = shell("dead", *arguments)
        assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1), run.stderr


async def test_for_people_there_are_tables_without_anything_that_moves_the_cursor(
    engine: Engine, cast: Cast, shell: Shell, bury: Bury
) -> None:
    (task,) = await made(engine, cast, "A")
    (job,) = await bury(task, error="[red]a bug[/red]")
    hostile = await letter(engine, b"\x1b[2J rm -rf")
    await bury(uuid7(), error="another")

    for arguments, said in (
        (("list",), "[red]a bug[/red]"),
        (("groups",), fingerprint_of("another")),
        (("show", str(job.id)), "Traceback"),
        (("show", hostile), "?[2J rm -rf"),
        (("replay", str(job.id), "--dry-run"), "would be applied"),
        (("replay", str(job.id)), "replayed"),
        (("discard", hostile, "--why", "junk", "--dry-run"), "would be discarded"),
        (("discard", hostile, "--why", "junk"), "discarded"),
        (("show", hostile), "junk"),
    ):
        run = shell("dead", *arguments)
        assert (run.returncode, said in run.stdout) == (0, True), run.stdout + run.stderr
        assert ESCAPE not in run.stdout
