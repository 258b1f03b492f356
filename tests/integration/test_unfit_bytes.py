"""Whatever stands in the queue: each entry ends as it should, and its neighbours are applied."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic_core import to_json

from jobs.codec import MAX_WIRE_BYTES
from jobs.envelope import AnyJob
from jobs.wire import put
from tests.workers import Form, Scene
from worker.consumer import Consumer

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's

HERE = b'"HERE"'
UNREADABLE = "unreadable"


def envelope(job: AnyJob, **fields: Any) -> dict[str, Any]:
    return job.model_dump(mode="json", exclude_unset=True) | fields


def wrapped(*arguments: Any, **wrapping: Any) -> bytes:
    return to_json({"t": None, "f": "task.create", "a": arguments, "k": {}, "et": 1} | wrapping)


def holding(job: AnyJob, value: bytes) -> bytes:
    """A good message but for one value of free JSON, which is given as it is written."""
    asked = envelope(job)
    asked["payload"] |= {"attributes": {"value": "HERE"}}
    return wrapped(asked).replace(HERE, value)


def naming_twice(job: AnyJob, name: str, first: Any) -> bytes:
    """A message that has one name of the envelope twice, the good value last."""
    good = to_json(envelope(job))
    return wrapped("HERE").replace(HERE, to_json({name: first})[:-1] + b"," + good[1:])


BYTES = {
    "nothing but white space": (b"  ", UNREADABLE),
    "not UTF-8": (b'{"a": ["\xff\xfe"]}', UNREADABLE),
    "UTF-16": ('{"a": [1]}'.encode("utf-16"), UNREADABLE),
    "5,000 lists in each other": (b"[" * 5_000 + b"]" * 5_000, UNREADABLE),
    "5,000 objects in each other": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, UNREADABLE),
    "10 MB": (b" " * 10_000_000, UNREADABLE),
    "a number": (b"1", UNREADABLE),
    "a list": (b"[1]", UNREADABLE),
    "an empty object": (b"{}", UNREADABLE),
    "a million digits": (b"[" + b"9" * (MAX_WIRE_BYTES - 2) + b"]", UNREADABLE),
}
OF_A_JOB: dict[str, tuple[Callable[[AnyJob], bytes], str]] = {
    "with a byte order mark": (lambda job: b"\xef\xbb\xbf" + wrapped(envelope(job)), UNREADABLE),
    "with more behind it": (lambda job: wrapped(envelope(job)) + b"{}", UNREADABLE),
    "with NUL behind it": (lambda job: wrapped(envelope(job)) + b"\x00", UNREADABLE),
    "cut short": (lambda job: wrapped(envelope(job))[:-1], UNREADABLE),
    "without a wrapping": (lambda job: to_json(envelope(job)), UNREADABLE),
    "in no list": (lambda job: wrapped(a=envelope(job)), UNREADABLE),
    "in an empty list": (lambda _: wrapped(), UNREADABLE),
    "twice in the list": (lambda job: wrapped(envelope(job), envelope(job)), UNREADABLE),
    "as text": (lambda job: wrapped(to_json(envelope(job)).decode()), UNREADABLE),
    "among words": (lambda job: wrapped(a=[], k={"job": envelope(job)}), UNREADABLE),
    "with a key like its name": (lambda job: wrapped(envelope(job), k={"x": [1]}), "applied"),
    "for a function of the system": (lambda job: wrapped(envelope(job), f="os.system"), "applied"),
    "for no function": (lambda job: wrapped(envelope(job), f=None), "applied"),
    "for a long function": (lambda job: wrapped(envelope(job), f="x" * 3_000), "applied"),
    "tried very often": (lambda job: wrapped(envelope(job), t=10**30), "applied"),
    "enqueued in the stone age": (lambda job: wrapped(envelope(job), et=-(10**30)), "applied"),
    "with NaN": (lambda job: holding(job, b"NaN"), UNREADABLE),
    "with Infinity": (lambda job: holding(job, b"Infinity"), UNREADABLE),
    "with -Infinity": (lambda job: holding(job, b"-Infinity"), UNREADABLE),
    "with a number beyond doubles": (lambda job: holding(job, b"1e999"), UNREADABLE),
    "with 5,000 digits": (lambda job: holding(job, b"9" * 5_000), UNREADABLE),
    "with 65 bits": (lambda job: holding(job, b"18446744073709551616"), UNREADABLE),
    "with 64 bits": (lambda job: holding(job, b"9223372036854775807"), "applied"),
    "with NUL": (lambda job: holding(job, rb'"\u0000"'), UNREADABLE),
    "with a raw NUL": (lambda job: holding(job, b'"\x00"'), UNREADABLE),
    "with NUL in a name": (lambda job: holding(job, rb'{"\u0000": 1}'), UNREADABLE),
    "with a lone surrogate": (lambda job: holding(job, rb'"\ud800"'), UNREADABLE),
    "with a raw lone surrogate": (lambda job: holding(job, b'"\xed\xa0\x80"'), UNREADABLE),
    "with a pair of surrogates": (lambda job: holding(job, rb'"\ud83d\ude00"'), "applied"),
    "with 5,000 levels": (lambda job: holding(job, b"[" * 5_000 + b"]" * 5_000), UNREADABLE),
    "with 16 levels": (lambda job: holding(job, b"[" * 16 + b"]" * 16), "applied"),
    "with 17 levels": (lambda job: holding(job, b"[" * 17 + b"]" * 17), "rejected"),
    "with 65 KiB of attributes": (lambda job: holding(job, to_json("x" * 66_560)), "rejected"),
    "with two kinds": (lambda job: naming_twice(job, "kind", "task.purge"), "applied"),
    "with two tenants": (lambda job: naming_twice(job, "tenant_id", "?"), "applied"),
    "of a later version": (lambda job: wrapped(envelope(job, schema_version=99)), "accepted"),
    "of a version without end": (
        lambda job: wrapped(envelope(job, schema_version=2**70)),
        UNREADABLE,
    ),
    "of an unknown kind": (lambda job: wrapped(envelope(job, kind="task.levitate")), "accepted"),
    "of the system's kind": (lambda job: wrapped(envelope(job, kind="task.purge")), "rejected"),
    "by an actor that is no id": (lambda job: wrapped(envelope(job, actor_id=[])), "rejected"),
    "with a field too many": (lambda job: wrapped(envelope(job, sig="0" * 64)), "rejected"),
}


async def test_every_entry_ends_as_it_should(scene: Scene, form: Form) -> None:
    jobs = {name: scene.cast.task() for name in OF_A_JOB}
    entries = [(name, raw) for name, (raw, _) in BYTES.items()]
    entries += [(name, make(jobs[name])) for name, (make, _) in OF_A_JOB.items()]
    first = await scene.producer.enqueue(scene.cast.task())
    await put(scene.redis, "arq:queue", entries)
    last = await scene.producer.enqueue(scene.cast.task())

    await scene.drain(form)

    assert [(await one.outcome())["status"] for one in (first, last)] == ["applied"] * 2
    expected = {name: end for name, (_, end) in (BYTES | OF_A_JOB).items()}
    assert await _letters(scene) | await _ledger(scene, jobs) == expected
    assert await scene.keys() == set()


async def test_names_of_any_bytes_and_length_cost_their_own_entries_only(scene: Scene) -> None:
    """Stock Arq ends at a name that is no text."""
    names = [b"\xff\xfe", b"\x00", b"x" * 1_000_000, b"", "täsk".encode(), b"a b\r\nc"]
    first = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.zadd("arq:queue", dict.fromkeys(names, 1))
    last = await scene.producer.enqueue(scene.cast.task())

    await scene.drain(Consumer)

    assert [(await one.outcome())["status"] for one in (first, last)] == ["applied"] * 2
    letters = await _letters(scene)
    assert len(letters) == len(names)
    assert set(letters.values()) == {"payload_gone"}
    assert max(map(len, letters)) <= 200
    assert await scene.keys() == set()


async def test_an_empty_payload_is_recorded(scene: Scene) -> None:
    """Stock Arq takes it for one that has expired."""
    await put(scene.redis, "arq:queue", [("empty", b"")])

    await scene.drain(Consumer)

    assert await _letters(scene) == {"empty": UNREADABLE}


async def test_of_what_is_too_long_a_mebibyte_is_kept_with_the_size_of_all(scene: Scene) -> None:
    await put(scene.redis, "arq:queue", [("long", b"[" * 10_000_000)])

    await scene.drain(Consumer)

    letter = await scene.engine.last_dead_letter()
    assert (len(letter["raw"]), letter["size"]) == (1024 * 1024, 10_000_000)


async def _letters(scene: Scene) -> dict[str, str]:
    rows = await scene.engine.execute("SELECT arq_id, reason FROM taskrail.dead_letter")
    return {row["arq_id"]: row["reason"] for row in rows}


async def _ledger(scene: Scene, jobs: dict[str, AnyJob]) -> dict[str, str]:
    rows = await scene.engine.execute("SELECT id, status FROM taskrail.job")
    status = {row["id"]: row["status"] for row in rows}
    return {name: status[job.id] for name, job in jobs.items() if job.id in status}
