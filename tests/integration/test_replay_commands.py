"""`taskrail dead replay` and `discard` as an operator runs them: real processes."""

import json
from typing import Any

import pytest
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from jobs.codec import Poison, Reference, UnknownJob
from jobs.signing import Signer
from tests.asking import Cast
from tests.dying import Bury, fingerprint_of, letter
from tests.engine import Engine, batch_engine
from tests.reading import done, made
from tests.rogues import stay
from tests.rows import snapshot
from tests.shell import Shell

engine = batch_engine

SIGNER = Signer("ours", b"o" * 32)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


async def test_a_dry_run_tells_what_the_replay_then_does(
    engine: Engine, cast: Cast, shell: Shell, bury: Bury
) -> None:
    (task,) = await made(engine, cast, "A")
    (job,) = await bury(task)
    before = await snapshot(engine)

    dry = shell.document("dead", "replay", str(job.id), "--dry-run")
    unchanged = await snapshot(engine) == before
    wet = shell.document("dead", "replay", str(job.id), "--by", "ada", "--why", "mended")
    outcomes = await engine.outcomes([Reference(job.tenant_id, job.id)])

    assert unchanged
    (rehearsal,) = dry["rehearsals"]
    assert rehearsal["outcome"] == outcomes[0]
    assert {change["table"] for change in rehearsal["changes"]} >= {"job", "comment", "event"}
    assert (ids(wet["replayed"]), wet["left"], wet["by"]) == ([str(job.id)], [], "ada")
    (act,) = shell.document("dead", "show", str(job.id))["acts"]
    assert (act["verb"], act["operator"], act["reason"]) == ("replay", "ada", "mended")
    assert shell.document("verify")["violations"] == []


async def test_a_group_is_replayed_and_discarded_whole_and_nothing_else_is_touched(
    engine: Engine, cast: Cast, shell: Shell, bury: Bury
) -> None:
    replayed = await bury(uuid7(), uuid7(), error="one")
    discarded, spared = (
        await bury(uuid7(), uuid7(), error="two"),
        await bury(uuid7(), error="three"),
    )

    dry = shell.document(
        "dead", "discard", "--fingerprint", fingerprint_of("two"), "--why", "a test", "--dry-run"
    )
    still = shell.document("dead", "list")["dead"]
    first = shell.document("dead", "replay", "--fingerprint", fingerprint_of("one"))
    second = shell.document(
        "dead", "discard", "--fingerprint", fingerprint_of("two"), "--why", "a test"
    )

    assert len(still) == 5
    assert sorted(ids(dry["discarded"])) == sorted(ids(second["discarded"]))
    assert sorted(ids(first["replayed"])) == sorted(str(job.id) for job in replayed)
    assert sorted(ids(second["discarded"])) == sorted(str(job.id) for job in discarded)
    assert ids(shell.document("dead", "list")["dead"]) == [str(job.id) for job in spared]
    assert len(shell.document("dead", "list", "--discarded")["dead"]) == 3
    assert await engine.count("job", cast.tenant_id, "status = 'accepted'") == 2


async def test_of_a_large_group_people_are_told_the_number(shell: Shell, bury: Bury) -> None:
    await bury(*(uuid7() for _ in range(23)))

    run = shell("dead", "replay", "--fingerprint", fingerprint_of("bug"), "--limit", "22")

    assert (run.returncode, run.stdout.count("\n")) == (0, 21)
    assert "… and 2 more replayed" in run.stdout
    assert "more of this group" in run.stderr


async def test_what_is_discarded_comes_back_only_if_one_says_so(shell: Shell, bury: Bury) -> None:
    (job,) = await bury(uuid7())
    one = str(job.id)
    shell.document("dead", "discard", one, "--why", "a test")

    refused = shell("dead", "replay", one, "--json")
    told = shell.document("dead", "replay", one, "--discarded")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--discarded" in refused.stderr
    assert ids(told["replayed"]) == [one]


async def test_a_letter_whose_tenant_is_there_now_is_recorded_under_its_id(
    engine: Engine, shell: Shell
) -> None:
    nobody = Cast()
    job = nobody.setting_up()[0]
    await engine.apply([job])
    one = str((await engine.last_dead_letter())["id"])

    early = shell("dead", "replay", one, "--json")
    await engine.create_tenant(nobody.tenant_id)
    dry = shell.document("dead", "replay", one, "--dry-run")
    told = shell.document("dead", "replay", one)
    again = shell("dead", "replay", one)
    outcomes = await engine.outcomes([Reference(nobody.tenant_id, job.id)])

    assert (early.returncode, "no active tenant" in json.loads(early.stdout)["left"][0]["why"]) == (
        1,
        True,
    )
    assert dry["rehearsals"][0]["outcome"] == outcomes[0]
    assert ids(told["replayed"]) == [one]
    assert (again.returncode, "replayed already" in again.stderr) == (1, True)
    assert await engine.count("worker", nobody.tenant_id) == 1
    assert shell.document("dead", "list")["dead"] == []
    assert (
        shell.document("dead", "show", str(job.id))["acts"][0]["before"]["reason"]
        == "unknown_tenant"
    )


async def test_one_that_the_ledger_cannot_hold_leaves_the_others_their_rehearsal(
    engine: Engine, shell: Shell
) -> None:
    nobody = Cast()
    job, novelty = nobody.setting_up()[0], nobody.task()
    digits = "".join(uuid7().hex for _ in range(1_250))
    envelope = novelty.model_dump(mode="json", exclude_unset=True) | {
        "kind": "task.levitate",
        "payload": {"task_id": digits},
    }
    await engine.apply([UnknownJob(nobody.tenant_id, novelty.id, "task.levitate", envelope), job])
    everyone = ids(shell.document("dead", "list")["dead"])
    await engine.create_tenant(nobody.tenant_id)

    dry = shell("dead", "replay", *everyone, "--dry-run", "--json")
    wet = shell("dead", "replay", *everyone, "--json")

    foretold, done = json.loads(dry.stdout), json.loads(wet.stdout)
    assert (dry.returncode, wet.returncode) == (1, 1)
    assert ids(foretold["rehearsals"]) == ids(done["replayed"]) != []
    assert foretold["left"] == done["left"]
    assert "at most 200 characters" in done["left"][0]["why"]


async def test_letters_without_a_job_in_them_are_left_alone_and_can_be_discarded(
    engine: Engine, cast: Cast, shell: Shell
) -> None:
    taken = cast.task()
    await done(engine, taken)
    other = (
        cast.task().model_copy(update={"id": taken.id}).model_dump(mode="json", exclude_unset=True)
    )
    await engine.apply([Poison(b"", "payload_gone", "Redis has no payload")])
    for raw in (b"\xff", b"x" * 2_000_000, to_json({"a": [other]})):
        await letter(engine, raw)
    everyone = ids(shell.document("dead", "list")["dead"])

    for option in ((), ("--dry-run",)):
        run = shell("dead", "replay", *everyone, *option, "--json")
        assert run.returncode == 1
        assert len(json.loads(run.stdout)["left"]) == len(everyone) == 4
    shell.document("dead", "discard", *everyone, "--why", "junk")

    assert shell.document("dead", "list")["dead"] == []
    assert len(shell.document("dead", "list", "--discarded")["dead"]) == 4


async def test_what_is_forged_is_listed_and_discarded_but_never_replayed(
    engine: Engine, cast: Cast, shell: Shell
) -> None:
    raw = to_json({"a": [cast.task().model_dump(mode="json", exclude_unset=True)]})
    await engine.apply([Poison(raw, "forged", "it is not signed")])
    (listed,) = shell.document("dead", "list", "--reason", "forged")["dead"]

    for option in ((), ("--dry-run",)):
        run = shell("dead", "replay", listed["id"], *option)
        assert (run.returncode, "signed" in run.stdout) == (1, True)
    told = shell.document("dead", "discard", listed["id"], "--why", "junk")

    assert ids(told["discarded"]) == [listed["id"]]
    assert await engine.count("job", cast.tenant_id, "kind = 'task.create'") == 0
    assert shell.document("dead", "list")["dead"] == []


@pytest.mark.parametrize("sig", ["right", "wrong", "none"])
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
async def test_a_letter_that_can_be_read_by_now_must_be_signed_where_jobs_must(
    engine: Engine, cast: Cast, shell: Shell, sig: str, *, guarded: bool
) -> None:
    """As of a form that only a later release knows."""
    keys = {SIGNER.kid: {"key": SIGNER.secret.hex(), "tenants": "*"}}
    believing = {"TASKRAIL_SIGNING_KEYS": json.dumps(keys)} if guarded else {}
    shell = Shell(shell.environment | believing)
    task = uuid7()
    envelope = cast.task(task).model_dump(mode="json", exclude_unset=True) | {"kid": SIGNER.kid}
    message: dict[str, Any] = SIGNER.signed(to_json(envelope).decode())
    message = {"right": message, "wrong": message | {"sig": "0" * 64}, "none": envelope}[sig]
    one = await letter(engine, to_json({"f": "task.create", "a": [message]}))
    believed = not guarded or sig == "right"

    dry = shell("dead", "replay", one, "--dry-run", "--json")
    run = shell("dead", "replay", one, "--json")

    assert (dry.returncode, run.returncode) == ((0, 0) if believed else (1, 1))
    document = json.loads(run.stdout)
    assert ids(document["replayed"]) == [one] * believed
    assert ["sign it" in left["why"] for left in document["left"]] == [True] * (not believed)
    assert await engine.count("job", cast.tenant_id, "kind = 'task.create'") == believed


async def test_what_others_hold_is_left_alone(engine: Engine, shell: Shell, bury: Bury) -> None:
    (job,) = await bury(uuid7())

    async with engine.superuser.begin() as rogue:
        await stay(rogue)
        await rogue.exec_driver_sql("SELECT 1 FROM taskrail.job FOR UPDATE")
        runs = [shell("dead", "replay", str(job.id), *dry) for dry in ((), ("--dry-run",))]

    assert [(run.returncode, "locked" in run.stdout) for run in runs] == [(1, True)] * 2
    assert len(shell.document("dead", "list")["dead"]) == 1


async def test_without_redis_nothing_is_replayed(engine: Engine, shell: Shell, bury: Bury) -> None:
    (job,) = await bury(uuid7())
    before = await snapshot(engine)
    away = Shell(shell.environment | {"TASKRAIL_REDIS_URL": "redis://127.0.0.1:1/0"})

    run = away("dead", "replay", str(job.id))

    assert (run.returncode, run.stdout) == (1, "")
    assert "TASKRAIL_REDIS_URL" in run.stderr
    assert await snapshot(engine) == before
