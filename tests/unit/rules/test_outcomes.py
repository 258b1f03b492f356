"""How outcomes read as JSON, and what of them the ledger keeps."""

from uuid_utils.compat import uuid7

from jobs.errors import IllegalTransition, NotAMember, Observed
from jobs.outcomes import CONTENT, Applied, Buried, Rejected, Stored
from jobs.payloads.lifecycle import ClaimTask
from tests.unit.rules.world import new_world

JOB = uuid7()


def test_the_ledger_keeps_no_content_of_claimed_tasks() -> None:
    world = new_world()
    told = world.do(world.agent, ClaimTask(task_id=world.create(description="Two pages")))
    outcome = Applied(JOB, told)

    (kept,) = outcome.as_stored()["result"]["tasks"]

    assert told["tasks"][0].keys() - kept.keys() == set(CONTENT)
    assert outcome.as_json()["result"] == told


def test_other_results_are_kept_whole() -> None:
    outcome = Applied(JOB, {"task_id": uuid7(), "version": 2})

    assert outcome.as_stored() == outcome.as_json()
    assert outcome.as_json()["status"] == "applied"


def test_a_refusal_says_code_message_alternatives_and_what_was_seen() -> None:
    error = IllegalTransition(
        "No; do it differently.", alternatives=["review"], observed=Observed("failed", 3)
    )

    assert Rejected.by(error, JOB).as_json() == {
        "job_id": str(JOB),
        "status": "rejected",
        "code": "illegal_transition",
        "message": "No; do it differently.",
        "alternatives": ["review"],
        "observed": {"status": "failed", "version": 3},
    }


def test_a_refusal_that_saw_nothing_says_so() -> None:
    told = Rejected.by(NotAMember("No; ask the owner."), JOB).as_json()

    assert told["observed"] == {"status": None, "version": None}
    assert "first_outcome" not in told


def test_a_used_id_answers_with_its_first_outcome() -> None:
    first = Applied(JOB, {}).as_json()

    told = Rejected(JOB, "idempotency_conflict", "Used; use a new id.", first=first).as_json()

    assert told["first_outcome"] == first


def test_a_buried_job_names_its_error_and_not_its_traceback() -> None:
    told = Buried(JOB, "KeyError('x')", "Traceback …").as_json()

    assert told == {"job_id": str(JOB), "status": "buried", "error": "KeyError('x')"}


def test_a_stored_outcome_is_told_as_it_was() -> None:
    first = Applied(JOB, {}).as_json()
    stored = Stored(JOB, first)

    assert (stored.status, stored.as_json()) == ("applied", first)
