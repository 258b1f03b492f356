"""Every kind of job that the model knows, with how often it is asked for, in proportion."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from jobs.entities import ApprovalPolicy, WorkerKind
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.worker import RegisterWorker
from tests.model import wishes_about_places as places
from tests.model import wishes_of_form as form
from tests.model import wishes_of_work as work
from tests.model.act import Request
from tests.model.picking import NothingFits, Picker

Wish = Callable[[Picker], Request]

WORK: dict[Wish, int] = {
    work.claim: 8,
    work.dispatch: 3,
    work.start: 5,
    work.renew: 2,
    work.progress: 5,
    work.report_usage: 3,
    work.release: 3,
    work.block: 3,
    work.request_input: 3,
    work.unblock: 3,
    work.provide_input: 3,
    work.submit: 5,
    work.approve: 3,
    work.reject: 3,
    work.complete: 5,
    work.fail: 5,
    work.retry: 3,
    work.cancel: 3,
    work.reopen: 3,
    work.expire: 3,
}
FORM: dict[Wish, int] = {
    form.create: 12,
    form.update: 4,
    form.raise_budget: 3,
    form.move: 4,
    form.assign: 4,
    form.unassign: 2,
    form.add_dependency: 6,
    form.remove_dependency: 3,
    form.comment: 1,
    form.delete: 3,
    form.restore: 4,
    form.purge: 1,
}
PLACES: dict[Wish, int] = {
    places.create_project: 1,
    places.update_project: 2,
    places.archive: 1,
    places.unarchive: 3,
    places.delete_project: 1,
    places.restore_project: 3,
    places.add_member: 3,
    places.remove_member: 1,
    places.complete_tasks: 1,
    places.archive_tasks: 1,
    places.register: 1,
    places.update_worker: 2,
    places.deactivate: 1,
    places.reactivate: 2,
}
WISHES = WORK | FORM | PLACES


def wish(pick: Picker) -> Request:
    """The next job, at random."""
    while True:
        (made,) = pick.random.choices(list(WISHES), list(WISHES.values()))
        with suppress(NothingFits):
            return made(pick)


def beginning(pick: Picker, policy: str) -> Iterator[Request]:
    """Two humans, two agents and a stranger; two projects, of which only one has everybody."""
    owner, human, agent, french, stranger = (pick.new_id() for _ in range(5))
    for worker_id, is_human in (
        (owner, True), (human, True), (agent, False), (french, False), (stranger, True),
    ):  # fmt: skip
        yield (
            None,
            RegisterWorker(
                worker_id=worker_id,
                handle=f"@first-{worker_id.hex[-4:]}",
                name="Somebody",
                kind=WorkerKind.HUMAN if is_human else WorkerKind.AGENT,
                agent_type=None if is_human else "writer",
                capabilities=["french"] if worker_id in {french, human} else [],
                max_concurrent_tasks=2 if worker_id == french else None,
            ),
        )
    for slug, boss, others in (
        ("everybody", owner, (human, agent, french)),
        ("some", human, (agent,)),
    ):
        project_id = pick.new_id()
        yield (
            boss,
            CreateProject(
                project_id=project_id,
                slug=slug,
                name="Relaunch",
                approval_policy=ApprovalPolicy(policy),
            ),
        )
        for other in others:
            yield boss, AddMember(project_id=project_id, worker_id=other)
