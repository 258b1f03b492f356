"""What was settled lately is remembered, and not for ever."""

from uuid import UUID, uuid4

from worker.queue.recent import Recent


def test_who_was_added_last_is_remembered_and_who_is_long_gone_is_forgotten() -> None:
    recent, ids = Recent(10), [uuid4() for _ in range(100)]

    for one in ids:
        recent.add([one])

    remembered = set(ids) - recent.others(set(ids))
    assert remembered >= set(ids[-10:])
    assert len(remembered) <= 20


def test_those_that_were_never_added_are_others() -> None:
    recent, known, unknown = Recent(10), uuid4(), uuid4()
    recent.add([known])

    assert recent.others({known, unknown}) == {unknown}
    assert recent.others(set[UUID]()) == set()
