"""Signing keys are given in one secret setting; a wrong one is told at once and never shown."""

import re
from typing import Any
from uuid import uuid4

import pytest
from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis

from jobs import codec
from jobs.producer import Producer
from jobs.signing import Keyring, Signer, TrustedKey
from settings import Settings
from tests.asking import Cast
from worker.signing import keyring, signer

TENANT = uuid4()
HEX = "6f" * 32
SECRET = bytes.fromhex(HEX)


def settings_with(key: str = HEX, tenants: Any = "*", **others: Any) -> Settings:
    return Settings.model_validate(
        {"signing_keys": {"ours": {"key": key, "tenants": tenants}}, **others}
    )


def test_settings_become_keys() -> None:
    settings = settings_with(tenants=[str(TENANT)], signing_kid="ours")

    assert keyring(settings) == Keyring({"ours": TrustedKey(SECRET, frozenset({TENANT}))})
    assert signer(settings) == Signer("ours", SECRET)


def test_a_star_stands_for_all_tenants() -> None:
    assert keyring(settings_with()) == Keyring({"ours": TrustedKey(SECRET)})


def test_without_keys_nothing_is_signed_or_asked_for() -> None:
    assert keyring(Settings()) is None
    assert signer(Settings()) is None


async def test_what_is_signed_by_the_settings_is_believed_by_them() -> None:
    settings, cast = settings_with(signing_kid="ours"), Cast()
    redis = ArqRedis(FakeAsyncRedis().connection_pool)
    job = cast.task()

    await Producer(redis, signer=signer(settings)).enqueue(job)

    raw = await redis.get(f"arq:job:{job.id}")
    assert raw is not None
    assert codec.read(raw, keyring(settings)) == job.model_copy(update={"kid": "ours"})
    await redis.aclose()


def test_no_key_shows_itself() -> None:
    settings = settings_with(signing_kid="ours")

    shown = repr([settings, settings.model_dump(), keyring(settings), signer(settings)])

    assert HEX not in shown
    assert SECRET.decode() not in shown


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ('{"ours": {"key": "hush", "tenants": "*"}}', "hexadecimal"),
        ('{"ours": {"key": "' + "5e" * 31 + '", "tenants": "*"}}', "at least 32 bytes"),
        ('{"ours": {"key": "' + "5e" * 32 + '", "tenants": ["acme"]}}', "UUID"),
        ('{"ours": {"key": "' + "5e" * 32 + '"}}', "required"),
        ('{"ours": {"key": "' + "5e" * 32 + '", "tenants": "*", "x": 1}}', "not permitted"),
        ('{"ours": "5e5e5e', "signing_keys"),
    ],
)
def test_wrong_keys_are_told_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, keys: str, complaint: str
) -> None:
    monkeypatch.setenv("TASKRAIL_SIGNING_KEYS", keys)

    with pytest.raises(ValueError, match=complaint) as caught:
        Settings()

    assert not re.search("5e5e|hush", str(caught.value))


def test_a_kid_without_a_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="names none"):
        settings_with(signing_kid="theirs")
