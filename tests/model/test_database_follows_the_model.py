"""The same model over PostgreSQL: a batch does what the model says of one job after another."""

import pytest

from ops.verify.run import verify
from tests.databases import Database
from tests.engine import Apply
from tests.model.followed import Followed
from worker.apply import apply, apply_one_by_one
from worker.runtime import Runtime

BATCHES, LARGEST = 30, 14
STORIES = [(apply, seed) for seed in range(6)] + [(apply_one_by_one, seed) for seed in range(2)]


@pytest.mark.parametrize(("form", "seed"), STORIES)
async def test_what_batches_do_is_what_the_model_says(
    database: Database, runtime: Runtime, form: Apply, seed: int
) -> None:
    tenant = Followed(form, runtime, database, seed)
    await tenant.begin()

    for _ in range(BATCHES):
        await tenant.settle(tenant.author.batch(1 + tenant.random.randrange(LARGEST)))
        await tenant.check()
        if tenant.random.random() < 0.1:
            await tenant.expire_all()

    assert (await verify(database.engine("reader"))).violations == []
