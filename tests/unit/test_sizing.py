"""Batches are as large as they can be in good time."""

from hypothesis import given
from hypothesis import strategies as st

from worker.queue.sizing import REMEMBERED_BATCHES, BatchSize


def test_the_first_batch_may_be_full() -> None:
    assert BatchSize(200, 0.25).jobs == 200


def test_a_slow_batch_makes_the_next_one_so_much_smaller() -> None:
    size = BatchSize(200, 0.25)

    size.learn(200, 1.0)

    assert size.jobs == 50


def test_it_grows_again_when_the_slow_batch_is_long_ago() -> None:
    size = BatchSize(200, 0.25)
    size.learn(200, 1.0)

    for _ in range(REMEMBERED_BATCHES):
        assert size.jobs == 50
        size.learn(50, 0.01)
    size.learn(50, 0.01)

    assert size.jobs > 50


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0, 100)), max_size=100))
def test_it_is_never_less_than_one_nor_more_than_the_cap(batches: list[tuple[int, float]]) -> None:
    size = BatchSize(200, 0.25)

    for jobs, seconds in batches:
        size.learn(jobs, seconds)

        assert 1 <= size.jobs <= 200
