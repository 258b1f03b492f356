"""What Arq would drop in silence, and what it must be told."""

import inspect
from typing import Any

from arq.worker import Worker, get_kwargs

from jobs.envelope import SYSTEM_KINDS, WIRE_KINDS
from worker.functions import OTHERS, reading
from worker.settings import WorkerSettings


def test_arq_knows_every_setting_by_its_name() -> None:
    names = {name for name in vars(WorkerSettings) if not name.startswith("__")}

    assert names <= set(inspect.signature(Worker).parameters)
    assert WorkerSettings.__bases__ == (object,)


def test_the_settings_that_keep_promises_reach_arq() -> None:
    given: dict[str, Any] = {**get_kwargs(dict(vars(WorkerSettings)))}

    assert given["max_tries"] == 2**31 - 1
    assert given["job_timeout"] == 3600
    assert given["keep_result"] == 60
    assert given["allow_abort_jobs"] is False
    assert "cron_jobs" not in given
    assert given["job_deserializer"](b"\x80\x04")["f"] == OTHERS


def test_every_kind_has_its_function_and_system_kinds_have_none() -> None:
    names = {function.name for function in WorkerSettings.functions}

    assert names == {*WIRE_KINDS, OTHERS}
    assert not names & SYSTEM_KINDS


def test_whatever_the_bytes_arq_is_given_a_function_that_it_knows() -> None:
    names = {function.name for function in WorkerSettings.functions}

    for raw in (b"", b"\x80\x04", b"{}", b'{"f": "os.system", "a": [{}]}'):
        wire = reading()(raw)

        assert wire["f"] in names
        assert len(wire["a"]) == 1
