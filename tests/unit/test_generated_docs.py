"""The generated pages are current, and what is written by hand beside them fits the code."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from db.models import metadata
from jobs.codec import read_envelope
from jobs.entities import TaskStatus
from jobs.envelope import PAYLOADS, WIRE_KINDS, AnyJob, Job, SystemJob, WireJob
from jobs.errors import RejectionCode
from jobs.payloads.task import MAX_DEPENDENCIES, MAX_TREE_DEPTH, MAX_TREE_TASKS
from jobs.rules.transitions import TRANSITIONS
from jobs.upcasting import EARLIER
from jobs.values import MAX_ATTRIBUTES_BYTES, MAX_JSON_DEPTH, MAX_RESULT_BYTES
from ops.checkout import CHECKOUT
from ops.reference.examples import example
from ops.reference.fields import parts
from ops.reference.kinds import FAMILIES, words
from ops.reference.pages import PAGES
from ops.reference.prose import prose

REFERENCE = CHECKOUT / "docs" / "reference"
RULES = CHECKOUT / "jobs" / "rules"
ANY_JOB: TypeAdapter[AnyJob] = TypeAdapter(WireJob | SystemJob)
EVENT = re.compile(r"(task|project|worker)\.[a-z_]+")
COMPOSED = {
    f"{entity}.budget_{what}" for entity in ("task", "project") for what in ("warned", "exceeded")
}
"""Events whose names the rules put together."""


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(PAGES["envelope.schema.json"]())
    return schema


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says_now(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run: python -m ops.reference"


def test_every_kind_is_described_and_no_other() -> None:
    described = [kind for family in FAMILIES for kind in prose(f"kinds/{family}")]

    assert sorted(described) == sorted(PAYLOADS)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_the_example_of_a_kind_is_a_job_of_that_kind(kind: str) -> None:
    envelope = example(kind, words(kind)["example"])

    job = ANY_JOB.validate_json(json.dumps(envelope))

    assert type(job.payload) is PAYLOADS[kind]


def test_every_line_of_the_example_is_a_job() -> None:
    header = example("task.start", words("task.start")["example"])
    lines = (CHECKOUT / "examples" / "website-relaunch.jsonl").read_text().splitlines()

    read = [read_envelope(header | json.loads(line)) for line in lines]

    assert read
    assert all(isinstance(job, Job) for job in read), read


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_kind_names_codes_events_and_outcomes_that_there_are(kind: str) -> None:
    said = words(kind)

    assert set(said["codes"]) <= set(get_args(RejectionCode))
    assert {*said["events"], *said.get("follows", ())} <= set(prose("events"))
    assert {*said["outcome"]} <= set(prose("outcomes"))


def test_earlier_versions_are_described_where_there_are_any() -> None:
    assert {kind for kind, _ in EARLIER} == {kind for kind in PAYLOADS if "earlier" in words(kind)}


def test_every_meaning_is_of_a_field_that_there_is() -> None:
    payloads = {kind: set(payload.model_fields) for kind, payload in PAYLOADS.items()}
    models = {name: set(part["properties"]) for name, part in parts().items()}
    fields = {f"{owner}.{name}" for owner, names in (payloads | models).items() for name in names}
    names = {name for names in payloads.values() for name in names}

    assert {said for said in prose("fields") if said not in fields | names} == set()


def test_bounds_that_are_said_in_words_are_those_of_the_code() -> None:
    kibibyte = 1024

    assert (64 * kibibyte, 256 * kibibyte) == (MAX_ATTRIBUTES_BYTES, MAX_RESULT_BYTES)
    assert (MAX_JSON_DEPTH, MAX_TREE_DEPTH, MAX_TREE_TASKS) == (16, 16, 500)
    assert parts()["NewTask"]["properties"]["depends_on"]["maxItems"] == MAX_DEPENDENCIES


def test_every_event_of_the_rules_is_described_and_no_other() -> None:
    written = {text for text in _texts(RULES) if EVENT.fullmatch(text)} - set(PAYLOADS)

    assert sorted(prose("events")) == sorted(written | COMPOSED)


def test_every_event_has_a_kind_that_appends_it() -> None:
    said = [words(kind) for kind in PAYLOADS]
    appended = {event for one in said for event in (*one["events"], *one.get("follows", ()))}

    assert set(prose("events")) == appended


def test_the_diagram_has_every_relation_with_its_cardinality() -> None:
    line = re.compile(r"^    (\w+ \S\S--\S\S \w+ : \w+)$", re.MULTILINE)
    relations = set(line.findall(PAGES["schema.md"]()))

    assert relations >= {
        "project ||--o{ task : project_id",
        "worker |o--o{ task : assignee_id",
        "worker |o--o{ task : created_by_id",
        "task |o--o{ task : parent_id",
        "task ||--o| lease : task_id",
        "task ||--o{ dependency : task_id",
        "task ||--o{ dependency : depends_on_id",
        "project ||--o{ member : project_id",
        "worker ||--o{ member : worker_id",
    }
    assert len(relations) == sum(len(t.foreign_key_constraints) for t in metadata.tables.values())


def test_every_index_says_what_it_serves_and_nothing_else_does() -> None:
    indexes = {str(index.name) for table in metadata.sorted_tables for index in table.indexes}

    assert set(prose("indexes")) == indexes


def test_the_ways_between_states_are_the_transitions_of_the_rules() -> None:
    ways = prose("states")["ways"]

    assert {old: set(new) for old, new in ways.items()} == {
        old.value: {new.value for new in allowed} for old, allowed in TRANSITIONS.items()
    }
    assert {kind for new in ways.values() for way in new.values() for kind in way["by"]} <= set(
        PAYLOADS
    )
    assert set(prose("states")["states"]) == set(TaskStatus)


def test_the_schema_of_envelopes_knows_every_kind_of_the_wire_and_no_other() -> None:
    schema = _schema()

    assert set(schema["discriminator"]["mapping"]) == set(WIRE_KINDS)
    earlier = {f"{kind}.{version}" for kind, version in EARLIER}
    assert {one["$ref"].removeprefix("#/$defs/") for one in schema["oneOf"]} == {
        *WIRE_KINDS, *earlier,
    }  # fmt: skip


def test_every_reference_within_the_schema_leads_somewhere() -> None:
    schema = _schema()
    references = re.findall(r'"(#/\$defs/[^"]+)"', json.dumps(schema))

    assert references
    assert {ref.removeprefix("#/$defs/") for ref in references} <= set(schema["$defs"])


def test_every_object_of_the_schema_that_has_fields_takes_no_others() -> None:
    objects = [one for one in _schema()["$defs"].values() if "properties" in one]

    assert objects
    assert all(one["additionalProperties"] is False for one in objects)


@pytest.mark.parametrize("kind", WIRE_KINDS)
def test_an_example_has_the_fields_that_the_schema_asks_for(kind: str) -> None:
    envelope = example(kind, words(kind)["example"])
    of_job = _schema()["$defs"][kind]
    of_payload = _schema()["$defs"][of_job["properties"]["payload"]["$ref"].rpartition("/")[2]]

    for fields, schema in ((envelope, of_job), (envelope["payload"], of_payload)):
        assert set(schema.get("required", ())) <= set(fields)
        assert set(fields) <= set(schema["properties"])


def _texts(folder: Path) -> Iterator[str]:
    """All text constants of the modules in the folder."""
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
