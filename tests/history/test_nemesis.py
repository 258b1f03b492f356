"""What the nemesis says that it did, it has done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.history.faults import FAULTS, FaultKind
from tests.history.nemesis import Plan, torment
from tests.history.recording import Recorder, read_history
from tests.history.wounds import Victims, Wound


@asynccontextmanager
async def easy(_: Victims, __: Random) -> AsyncIterator[Wound]:
    yield Wound()


@asynccontextmanager
async def impossible(_: Victims, __: Random) -> AsyncIterator[Wound]:
    """Another fault has taken the server away."""
    raise ConnectionRefusedError
    yield Wound()


async def test_a_fault_that_could_not_happen_is_noted_and_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for inject in (easy, impossible):
        monkeypatch.setitem(FAULTS, inject.__name__, FaultKind(inject))
    plans = [Plan(kind, 0.0, kind, 0.0, choice=1) for kind in ("easy", "impossible")]
    nowhere: Any = None

    with Recorder(tmp_path, "nemesis") as recorder:
        await torment(nowhere, plans, recorder)

    history = read_history(tmp_path)
    assert [fault.kind for fault in history.faults] == ["easy"]
    assert [(one.op, one.value[0]) for one in history.operations] == [("skipped", "impossible")]
