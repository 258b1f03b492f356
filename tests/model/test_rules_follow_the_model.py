"""Whole lives of tenants at random: what the rules decide is what the model says."""

from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.model.following import Following
from tests.model.wishes import WISHES, Wish, wish
from tests.model.wishes_of_form import create

CHANCE = st.randoms(use_true_random=False)
OFTEN = st.sampled_from([wish for wish, weight in WISHES.items() for _ in range(weight)])
POLICIES = ["none", "none", "critical", "all"]


class Lives(RuleBasedStateMachine):
    """Each step is a job; Hypothesis finds the shortest story in which something is wrong."""

    @initialize(random=CHANCE, policy=st.sampled_from(POLICIES))
    def begin(self, random: Random, policy: str) -> None:
        self.tenant = Following(random, policy)
        for _ in range(3):
            self.tenant.wish(create)

    @rule(wish=OFTEN, random=CHANCE)
    def job(self, wish: Wish, random: Random) -> None:
        self.tenant.pick.random = random
        self.tenant.wish(wish)

    @rule(wish=OFTEN, random=CHANCE)
    def another_job(self, wish: Wish, random: Random) -> None:
        self.job(wish, random)

    @rule(minutes=st.sampled_from([1, 20, 90]))
    def time_passes(self, minutes: int) -> None:
        self.tenant.pass_time(minutes)

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        self.tenant.check_rows()

    @invariant()
    def leases_stand_where_the_table_of_states_has_them(self) -> None:
        self.tenant.check_leases()

    @invariant()
    def the_history_tells_all_of_it(self) -> None:
        self.tenant.check_history()


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=400,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("seed", range(150))
def test_long_lives_follow_the_model(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a story, not a secret
    tenant = Following(random, random.choice(POLICIES))

    for _ in range(150):
        if random.random() < 0.04:
            tenant.pass_time(random.choice([1, 20, 90]))
        tenant.ask(wish(tenant.pick))
        tenant.check_rows()
        tenant.check_leases()

    tenant.check_history()
