"""`taskrail events` as an operator runs it: real processes, their output and their exit codes."""

import json

import pytest

from jobs.streaming import stream_key
from tests.shell import Shell
from tests.streams import are_in_order, entries, history, keys, published
from tests.workers import Scene

LONG_AGO = ("--since", "2000-01-01T00:00:00Z")


@pytest.fixture
def tenant(scene: Scene) -> tuple[str, str]:
    return "--tenant", f"tenant-{scene.cast.tenant_id.hex[-12:]}"


async def test_what_redis_has_lost_is_published_again_from_the_history(
    scene: Scene, shell: Shell, tenant: tuple[str, str]
) -> None:
    await published(scene, 250)
    lost = await keys(scene.redis, scene.cast.tenant_id)
    await scene.redis.flushall()

    counted = shell.document("events", "republish", *tenant, *LONG_AGO, "--dry-run")
    untouched = await scene.redis.exists(stream_key(scene.cast.tenant_id))
    done = shell.document("events", "republish", *tenant, *LONG_AGO)

    assert (counted["events"], counted["dry_run"], untouched) == (len(lost), True, 0)
    assert (done["events"], done["dry_run"]) == (len(lost), False)
    events = await entries(scene.redis, scene.cast.tenant_id)
    assert sorted(event.key for event in events) == sorted(await history(scene))
    assert are_in_order(events)


async def test_only_the_time_that_was_asked_for_is_published_again(
    scene: Scene, shell: Shell, tenant: tuple[str, str]
) -> None:
    first, second = await published(scene, 1), await published(scene, 1)
    then = (await entries(scene.redis, scene.cast.tenant_id))[-1].at.isoformat()
    await scene.redis.flushall()

    since = shell("events", "republish", *tenant, "--since", then)
    after = await keys(scene.redis, scene.cast.tenant_id)
    before = shell.document("events", "republish", *tenant, *LONG_AGO, "--until", then)

    assert since.stdout == f"1 events were published to tenant {tenant[1]}.\n"
    assert after == second
    assert before["events"] == len(await history(scene)) - 1
    assert first[0] in await keys(scene.redis, scene.cast.tenant_id)


async def test_events_are_printed_as_lines_of_json_or_for_people(
    scene: Scene, shell: Shell, tenant: tuple[str, str]
) -> None:
    await published(scene, 2)
    *_, before, last = await entries(scene.redis, scene.cast.tenant_id)

    everything = shell("events", "tail", *tenant, "--after", "0", "--limit", "8", "--json")
    rest = shell("events", "tail", *tenant, "--after", before.stream_id, "--limit", "1")

    lines = [json.loads(line) for line in everything.stdout.splitlines()]
    ids = [event.stream_id for event in await entries(scene.redis, scene.cast.tenant_id)]
    assert [line["stream_id"] for line in lines] == ids[:8]
    assert {"entity_id", "seq", "kind", "actor_id", "job_id", "data", "at"} <= lines[0].keys()
    assert rest.stdout.startswith(last.stream_id)
    assert f"task.created  {last.key}  Ada: Write the text" in rest.stdout


async def test_who_resumes_behind_a_trimmed_stream_is_told_what_to_do(
    scene: Scene, shell: Shell, tenant: tuple[str, str]
) -> None:
    await published(scene, 3)
    first, *_ = await entries(scene.redis, scene.cast.tenant_id)
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=1, approximate=False)

    run = shell("events", "tail", *tenant, "--after", first.stream_id)

    assert run.returncode == 1
    assert f"taskrail events republish --tenant {tenant[1]} --since" in run.stderr


async def test_a_stream_that_is_refused_is_said_in_one_line(
    scene: Scene, shell: Shell, tenant: tuple[str, str]
) -> None:
    await scene.redis.set(stream_key(scene.cast.tenant_id), "not a stream")

    run = shell("events", "republish", *tenant, *LONG_AGO)

    (line,) = run.stderr.splitlines()
    assert (run.returncode, "WRONGTYPE" in line) == (1, True)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("republish",), 2),
        (("republish", "--since", "yesterday"), 2),
        (("republish", "--since", "2026-01-01T00:00:00"), 2),
        (("republish", "--since", "2026-01-01T00:00:00Z", "--tenant", "nobody"), 1),
        (("tail", "--after", "yesterday"), 2),
        (("tail", "--limit", "0"), 2),
        (("tail", "--tenant", "nobody"), 1),
    ],
)
async def test_what_cannot_be_done_is_said_by_the_exit_code(
    shell: Shell, asked: tuple[str, ...], code: int
) -> None:
    run = shell("events", *asked)

    assert run.returncode == code, run.stderr
    assert "Error: " in run.stderr
