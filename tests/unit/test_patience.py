"""Patience with other workers ends, however often what waits is put aside and taken again."""

from dataclasses import replace

from jobs.codec import Poison
from worker.deliveries import Delivery
from worker.queue.holding import Entry
from worker.queue.patience import Patience

SECONDS = 2.0


def taken(at: float, name: bytes = b"job") -> Entry:
    delivery = Delivery("job", Poison(b"", "unreadable", "not JSON"))
    return Entry(0, name, "token", delivery, 1.0, at, ((), ()), 0)


def test_patience_lasts_for_a_while_from_the_taking() -> None:
    patience, entry = Patience(SECONDS, 10), taken(at=100.0)

    assert patience.is_left(entry, now=101.9)
    assert not patience.is_left(entry, now=102.1)


def test_who_is_taken_again_has_waited_since_the_first_time() -> None:
    patience = Patience(SECONDS, 10)
    for at in (100.0, 101.0):
        patience.put_aside([taken(at)])

    assert not patience.is_left(taken(at=102.1), now=102.1)


def test_of_what_was_put_aside_only_the_last_are_remembered() -> None:
    patience, first = Patience(SECONDS, most=2), taken(at=100.0, name=b"first")
    patience.put_aside([first, taken(100.0, b"second"), taken(100.0, b"third")])

    assert patience.is_left(replace(first, taken_at=103.0), now=103.0)
    assert not patience.is_left(taken(103.0, b"third"), now=103.0)
