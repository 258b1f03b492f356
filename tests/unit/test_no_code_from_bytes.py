"""Nothing that the product reads can become code: no pickle, no eval, and Arq's default is off."""

import ast
from collections.abc import Iterator

import pytest
from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis

from jobs import codec
from jobs.producer import Producer
from ops.checkout import CHECKOUT
from settings import Settings
from tests.asking import Cast
from worker.results import dump_result
from worker.settings import WorkerSettings, worker_options

PRODUCT = ("jobs", "db", "worker", "ops", "migrations")
MODULES = sorted([path for name in PRODUCT for path in (CHECKOUT / name).rglob("*.py")])
MODULES.append(CHECKOUT / "settings.py")
OPENS_CODE = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
RUNS_CODE = {"eval", "exec", "compile", "__import__"}
PICKLES_BY_DEFAULT = {
    "create_pool": "job_serializer",
    "ArqRedis": "job_serializer",
    "serialize_job": "serializer",
    "serialize_result": "serializer",
    "deserialize_job": "deserializer",
    "deserialize_result": "deserializer",
    "ArqJob": "_deserializer",
}
"""Of Arq, with the argument that says otherwise."""


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            yield f"{path.relative_to(CHECKOUT)}:{getattr(node, 'lineno', 0)}", node


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
    return []


def _called(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
    return None


def test_no_module_imports_what_runs_what_it_reads() -> None:
    found = [
        place
        for place, node in _nodes()
        if OPENS_CODE & {name.partition(".")[0] for name in _imported(node)}
    ]

    assert len(MODULES) > 100
    assert found == []


def test_no_module_makes_code_of_text() -> None:
    found = [
        place
        for place, node in _nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in RUNS_CODE
    ]

    assert found == []


def test_wherever_arq_would_pickle_it_is_told_not_to() -> None:
    calls = [(place, node) for place, node in _nodes() if _called(node) in PICKLES_BY_DEFAULT]
    silent = [
        place
        for place, node in calls
        if isinstance(node, ast.Call)
        if PICKLES_BY_DEFAULT[str(_called(node))] not in {word.arg for word in node.keywords}
    ]

    assert len(calls) >= 4
    assert silent == []


@pytest.mark.parametrize("options", [vars(WorkerSettings), worker_options(Settings())])
def test_both_serialisers_of_a_worker_are_ours(options: dict[str, object]) -> None:
    assert options["job_serializer"] is dump_result
    assert str(getattr(options["job_deserializer"], "__module__", "")) == "worker.functions"


async def test_a_producer_writes_json_even_on_a_pool_that_would_pickle() -> None:
    redis = ArqRedis(FakeAsyncRedis().connection_pool)
    job = Cast().task()

    await Producer(redis).enqueue(job)

    raw = await redis.get(f"arq:job:{job.id}")
    assert redis.job_serializer is None
    assert raw is not None
    assert codec.read(raw) == job
    await redis.aclose()
