"""Where workers have keys, what is forged changes nothing, and uses up nobody's id."""

from contextlib import aclosing
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from jobs.codec import Reference
from jobs.envelope import AnyJob
from jobs.producer import Producer
from jobs.signing import Signer
from jobs.wire import payload, put
from ops.queue import producer
from settings import SigningKey
from tests.workers import Form, Scene
from worker.consumer import Consumer

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's

OURS, STRANGERS = Signer("ours", b"o" * 32), Signer("strangers", b"s" * 32)


@pytest.fixture
def guarded(scene: Scene) -> Scene:
    """Its workers have a key of the cast's tenant, and one of another's."""
    keys = {
        "ours": _key(OURS, scene.cast.tenant_id),
        "strangers": _key(STRANGERS, uuid7()),
    }
    scene.settings = scene.settings.model_copy(update={"signing_keys": keys})
    scene.producer = Producer(scene.redis, signer=OURS)
    return scene


def _key(signer: Signer, tenant_id: Any) -> SigningKey:
    return SigningKey(key=SecretStr(signer.secret.hex()), tenants=frozenset({tenant_id}))


def unsigned(job: AnyJob) -> dict[str, Any]:
    return job.model_dump(mode="json", exclude_unset=True)


def signed(job: AnyJob, signer: Signer) -> dict[str, Any]:
    return signer.signed(to_json(unsigned(job) | {"kid": signer.kid}).decode())


FORGED = {
    "unsigned": unsigned,
    "altered": lambda job: signed(job, OURS) | {"sig": "0" * 64},
    "signed by a stranger": lambda job: signed(job, STRANGERS),
    "signed by nobody": lambda job: signed(job, Signer("nobody", b"n" * 32)),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_what_is_forged_is_a_dead_letter_and_its_id_stays_free(
    guarded: Scene, form: Form, forge: Any
) -> None:
    job, tenant_id = guarded.cast.task(), guarded.cast.tenant_id
    raw = payload(job.kind, forge(job))
    neighbours = [await guarded.producer.enqueue(guarded.cast.task()) for _ in range(2)]
    await put(guarded.redis, "arq:queue", [(str(job.id), raw)])

    await guarded.drain(form)

    assert [(await one.outcome())["status"] for one in neighbours] == ["applied"] * 2
    told = await guarded.producer.outcome(tenant_id, job.id)
    assert (told["status"], told["code"]) == ("rejected", "not_allowed")
    assert "sign it" in told["message"]
    letter = await guarded.engine.last_dead_letter()
    assert (letter["reason"], letter["raw"]) == ("forged", raw)
    assert await guarded.engine.count("job", tenant_id, f"id = '{job.id}'") == 0
    genuine = await guarded.producer.enqueue(job)
    await guarded.drain(form)
    assert (await genuine.outcome())["status"] == "applied"


async def test_the_key_of_an_applied_job_stands_in_the_ledger(guarded: Scene, form: Form) -> None:
    job = guarded.cast.task()
    await guarded.producer.enqueue(job)

    await guarded.drain(form)

    row = await guarded.engine.row("job", guarded.cast.tenant_id, job.id)
    assert (row["status"], row["envelope"]["kid"]) == ("applied", "ours")


async def test_commands_sign_what_they_send(guarded: Scene) -> None:
    settings = guarded.settings.model_copy(update={"signing_kid": "ours"})
    async with aclosing(producer(settings, guarded.redis, guarded.engine.superuser)) as asking:
        handle = await asking.enqueue(guarded.cast.task())
        await guarded.drain(Consumer)

        assert (await handle.outcome())["status"] == "applied"


async def test_who_waits_for_a_job_does_not_hear_of_a_forged_one_with_its_id(
    guarded: Scene, form: Form
) -> None:
    """The forger's entry has another name; the answer goes to that name alone."""
    job = guarded.cast.task()
    await put(guarded.redis, "arq:queue", [("by-the-way", payload(job.kind, unsigned(job)))])

    await guarded.drain(form)

    with pytest.raises(TimeoutError):
        await guarded.producer.outcome(guarded.cast.tenant_id, job.id, 0)
    assert await guarded.redis.exists("arq:result:by-the-way")


async def test_a_recorded_job_is_applied_though_its_wake_up_is_not_signed(
    guarded: Scene, form: Form
) -> None:
    job = guarded.cast.task()
    await guarded.engine.record([job])
    reference = {"tenant_id": str(job.tenant_id), "id": str(job.id)}
    await put(guarded.redis, "arq:queue", [("wake-up", payload(job.kind, reference))])

    await guarded.drain(form)

    assert (await guarded.producer.outcome(job.tenant_id, job.id))["status"] == "applied"


async def test_a_signed_job_is_applied_where_nobody_has_keys(scene: Scene, form: Form) -> None:
    handle = await Producer(scene.redis, signer=OURS).enqueue(scene.cast.task())

    await scene.drain(form)

    outcome = await scene.producer.outcome(scene.cast.tenant_id, handle.job.id)
    assert outcome["status"] == "applied"


async def test_a_forged_job_changes_nothing_of_a_recorded_one(guarded: Scene, form: Form) -> None:
    """Same id, other content: it is refused before the ledger is asked."""
    job = guarded.cast.task()
    await guarded.engine.record([job])
    forged = unsigned(job) | {"payload": unsigned(guarded.cast.task())["payload"]}
    await put(guarded.redis, "arq:queue", [(str(job.id), payload(job.kind, forged))])

    await guarded.drain(form)
    await guarded.engine.apply([Reference(job.tenant_id, job.id)])

    row = await guarded.engine.row("job", job.tenant_id, job.id)
    assert (row["status"], row["envelope"]["payload"]) == ("applied", unsigned(job)["payload"])


async def test_an_abort_is_not_heard_where_jobs_must_be_signed(guarded: Scene) -> None:
    handle = await guarded.producer.enqueue(guarded.cast.task())
    await guarded.redis.zadd("arq:abort", {str(handle.job.id): 1})

    await guarded.drain(Consumer)

    assert (await handle.outcome())["status"] == "applied"


async def test_a_recorded_job_cannot_be_aborted_from_redis(scene: Scene) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])
    reference = {"tenant_id": str(job.tenant_id), "id": str(job.id)}
    await scene.redis.zadd("arq:abort", {"wake-up": 1})
    await put(scene.redis, "arq:queue", [("wake-up", payload(job.kind, reference))])

    await scene.drain(Consumer)

    assert (await scene.producer.outcome(job.tenant_id, job.id))["status"] == "applied"
