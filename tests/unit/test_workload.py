"""The benchmarks' jobs are as many, and of such kinds, as the benchmarks say."""

import pytest
from uuid_utils.compat import uuid7

from benchmarks.workload import AT_ONCE, JOBS_A_TASK, Workload


@pytest.mark.parametrize("number", [1, JOBS_A_TASK, 100, AT_ONCE * JOBS_A_TASK + 1])
def test_a_stream_has_at_least_so_many_jobs_and_whole_tasks_only(number: int) -> None:
    jobs = Workload(uuid7()).stream(number)

    assert number <= len(jobs) < number + JOBS_A_TASK
    assert len({job.id for job in jobs}) == len(jobs)


def test_every_tenth_task_fails_once_and_all_are_completed() -> None:
    lives = list(Workload(uuid7()).tasks(10))

    kinds = [[job.kind for job in life] for life in lives]
    assert {len(life) for life in lives} == {JOBS_A_TASK}
    assert ["task.fail" in life for life in kinds] == [True] + [False] * 9
    assert {life[-1] for life in kinds} == {"task.complete"}
