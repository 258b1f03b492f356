"""The floor passes over nothing, whoever draws or ends between any two steps of a round."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from worker.loops.floor import Floor

LIMIT = 3
WRITERS = ("a", "b", "c")
Step = tuple[str, str]
STEPS = st.lists(
    st.tuples(st.sampled_from(["draw", "commit", "roll back"]), st.sampled_from(WRITERS)),
    max_size=6,
)


@dataclass(slots=True)
class Outbox:
    """Transactions that draw positions and end; what is committed can be seen."""

    drawn: int = 0
    open: dict[str, list[int]] = field(default_factory=dict)
    visible: set[int] = field(default_factory=set)
    committed: set[int] = field(default_factory=set)

    def go_on(self, steps: list[Step]) -> None:
        for what, name in steps:
            if what == "draw":
                self.drawn += 1
                self.open.setdefault(name, []).append(self.drawn)
            elif what == "commit":
                self._end(name, is_kept=True)
            else:
                self._end(name, is_kept=False)

    def _end(self, name: str, *, is_kept: bool) -> None:
        positions = self.open.pop(name, [])
        if is_kept:
            self.visible.update(positions)
            self.committed.update(positions)


def turn(floor: Floor, outbox: Outbox, between: list[list[Step]]) -> list[int]:
    """A round of the relay, while others go on before each of its steps."""
    outbox.go_on(between[0])
    last = outbox.drawn
    outbox.go_on(between[1])
    writers = frozenset(outbox.open)
    floor.aim(last, writers)
    outbox.go_on(between[2])
    rows = sorted(p for p in outbox.visible if p > floor.position)[:LIMIT]
    outbox.go_on(between[3])
    outbox.visible -= set(rows)
    floor.rise(rows[-1] if len(rows) == LIMIT else last)
    return rows


@given(st.lists(st.tuples(STEPS, STEPS, STEPS, STEPS), max_size=12))
def test_every_committed_position_is_published_once(rounds: list[tuple[list[Step], ...]]) -> None:
    floor, outbox = Floor(), Outbox()

    published = [p for between in rounds for p in turn(floor, outbox, list(between))]
    outbox.go_on([("commit", name) for name in WRITERS])
    while outbox.visible:
        rows = turn(floor, outbox, [[], [], [], []])
        assert rows, f"{outbox.visible} stay below {floor.position}"
        published += rows

    assert sorted(published) == sorted(outbox.committed)


@given(st.lists(st.tuples(STEPS, STEPS, STEPS, STEPS), max_size=6))
def test_it_reaches_the_last_position_when_all_is_quiet(
    rounds: list[tuple[list[Step], ...]],
) -> None:
    floor, outbox = Floor(), Outbox()
    for between in rounds:
        turn(floor, outbox, list(between))
    outbox.go_on([("commit", name) for name in WRITERS])

    while turn(floor, outbox, [[], [], [], []]) or floor.position < outbox.drawn:
        pass

    assert floor.position == outbox.drawn


def test_it_waits_for_those_who_wrote_when_it_aimed() -> None:
    floor = Floor()
    for writers in ({"early"}, {"early", "later"}):
        floor.aim(10, frozenset(writers))
        floor.rise(10)
        assert floor.position == 0

    floor.aim(20, frozenset({"later"}))
    floor.rise(20)

    assert floor.position == 10
