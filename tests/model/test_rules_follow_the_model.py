"""Whole lives of tenants at random: what the rules decide is what the model says."""

from datetime import timedelta
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jobs.board import Board
from jobs.entities import Tenant
from jobs.outcomes import Applied
from tests.model.act import Request
from tests.model.judge import judge
from tests.model.picking import Picker
from tests.model.pictures import picture_of_board, picture_of_state
from tests.model.state import State
from tests.model.wishes import FORM, PLACES, WORK, Wish, beginning
from tests.unit.rules.world import NOON, World

CHANCE = st.randoms(use_true_random=False)


def often(wishes: dict[Wish, int]) -> st.SearchStrategy[Wish]:
    return st.sampled_from([wish for wish, weight in wishes.items() for _ in range(weight)])


class Lives(RuleBasedStateMachine):
    """Each step is a job: decided by the rules, judged by the model, and compared."""

    @initialize(random=CHANCE, policy=st.sampled_from(["none", "none", "critical", "all"]))
    def begin(self, random: Random, policy: str) -> None:
        self.world = World(Board(NOON))
        tenant = Tenant(self.world.tenant_id, "acme", "Acme", NOON)
        self.world.board.tenants[tenant.id] = tenant
        self.pick = Picker(State(NOON), random)
        for request in beginning(self.pick, policy):
            self.ask(request)
        for _ in range(3):
            self.wish(next(iter(FORM)), random)

    @rule(wish=often(WORK), random=CHANCE)
    def work(self, wish: Wish, random: Random) -> None:
        self.wish(wish, random)

    @rule(wish=often(WORK), random=CHANCE)
    def more_work(self, wish: Wish, random: Random) -> None:
        self.wish(wish, random)

    @rule(wish=often(FORM), random=CHANCE)
    def form(self, wish: Wish, random: Random) -> None:
        self.wish(wish, random)

    @rule(wish=often(PLACES), random=CHANCE)
    def places(self, wish: Wish, random: Random) -> None:
        self.wish(wish, random)

    @rule(minutes=st.sampled_from([1, 20, 90]))
    def time_passes(self, minutes: int) -> None:
        self.world.pass_time(minutes=minutes)
        self.pick.state.now += timedelta(minutes=minutes)

    def wish(self, wish: Wish, random: Random) -> None:
        self.pick.random = random
        self.ask(wish(self.pick))

    def ask(self, request: Request) -> None:
        actor, payload = request
        job = self.world.job(actor, payload)
        reasons = judge(self.pick.state, request, job.id)
        verdict = self.world.apply(job, trusted=actor is None)
        if isinstance(verdict, Applied):
            assert not reasons, f"applied, though {reasons}: {request}"
        else:
            assert verdict.code in reasons, f"{verdict} is none of {reasons}: {request}"

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        if not hasattr(self, "pick"):
            return
        state = self.pick.state
        assert picture_of_board(self.world.board, state) == picture_of_state(state)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
