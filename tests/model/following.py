"""A tenant that lives by the rules, and the model that follows it."""

from contextlib import suppress
from datetime import timedelta
from random import Random

from jobs.board import Board
from jobs.entities import Tenant
from jobs.outcomes import Applied
from jobs.payloads.lifecycle import DispatchTasks
from tests.model.act import Request
from tests.model.dispatch import best
from tests.model.history import check_history
from tests.model.judge import judge
from tests.model.picking import NothingFits, Picker
from tests.model.pictures import differences, picture_of_board, picture_of_state
from tests.model.state import State
from tests.model.wishes import Wish, beginning
from tests.unit.rules.world import NOON, World


class Following:
    """Each job is decided by the rules, judged by the model, and what is then true compared."""

    def __init__(self, random: Random, policy: str) -> None:
        self.world = World(Board(NOON))
        tenant = Tenant(self.world.tenant_id, "acme", "Acme", NOON)
        self.world.board.tenants[tenant.id] = tenant
        self.pick = Picker(State(NOON), random)
        for request in beginning(self.pick, policy):
            self.ask(request)

    def wish(self, wish: Wish) -> None:
        """One job of this kind, if it makes sense now."""
        with suppress(NothingFits):
            self.ask(wish(self.pick))

    def ask(self, request: Request) -> None:
        """The verdict is the model's. That a refusal changes nothing, World has seen to."""
        (actor, payload), state = request, self.pick.state
        job, expected = self.world.job(actor, payload), []
        if actor is not None and isinstance(payload, DispatchTasks):
            expected = best(state, actor, payload.limit)
        reasons = judge(state, request, job.id)
        verdict = self.world.apply(job, trusted=actor is None)
        if not isinstance(verdict, Applied):
            assert verdict.code in reasons, f"{verdict}, and not {reasons}, of {request}"
            return
        assert not reasons, f"{reasons} stand against {request}"
        if isinstance(payload, DispatchTasks):
            assert [task["id"] for task in verdict.result["tasks"]] == expected
        versions = {task.id: task.version for task in self.world.board.tasks.values()}
        state.learn_versions(versions)

    def pass_time(self, minutes: int) -> None:
        self.world.pass_time(minutes=minutes)
        self.pick.state.now += timedelta(minutes=minutes)

    def check_rows(self) -> None:
        """All is as the model says; times, too."""
        board, state = self.world.board, self.pick.state
        assert differences(picture_of_board(board, state), picture_of_state(state)) == []
        for task in board.tasks.values():
            facts, lease = state.tasks[task.id], board.leases.get(task.key)
            assert (task.started_at, task.completed_at) == (facts.started_at, facts.completed_at)
            assert (lease and lease.expires_at) == (facts.lease and facts.lease.ends_at)

    def check_leases(self) -> None:
        """They stand where the table of states has them, and are counted right."""
        board = self.world.board
        for task in board.tasks.values():
            is_leased = task.key in board.leases
            assert not is_leased or task.status in {"in_progress", "blocked"}
            if task.status == "in_progress":
                assert task.assignee_id is not None
                assert is_leased or self.pick.state.workers[task.assignee_id].is_human
        holders = [(lease.tenant_id, lease.holder_id) for lease in board.leases.values()]
        assert all(number == holders.count(worker) for worker, number in board.held.items())

    def check_history(self) -> None:
        check_history(self.world.board)
