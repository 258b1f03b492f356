"""The page of all kinds of jobs: fields and bounds from the payload models, the rest from prose."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jobs.envelope import EPHEMERAL_KINDS, PAYLOADS, SYSTEM_KINDS, VERSIONS
from ops.reference.bounds import JsonSchema, described
from ops.reference.examples import example
from ops.reference.prose import page, prose, table

FAMILIES = ("project", "worker", "definition", "holding", "work", "system")
HEADINGS = {
    "project": "Projects",
    "worker": "Workers",
    "definition": "Tasks: what is to be done",
    "holding": "Tasks: who does it",
    "work": "Tasks: doing it",
    "system": "The system's own",
}
INTRODUCTION = """
A job is an envelope with a payload; `kind` says which. The envelope's fields are in the
[JSON Schema](envelope.schema.json). A payload's field without a default is required, and a field
that is not listed is refused. Times carry an offset. All lengths are those of text in characters.

**Who may.** The system (`actor_id` null, from the command line and the loops) may do everything; on
the wire a null actor may only ask for `project.create` and `worker.register`. The owner of a project
is a member, too. On a leased task the holder's jobs carry the lease's `token`.

**Codes.** Besides those listed, every job can be `invalid` (not what its kind asks for), `not_found`
(a row it names is not there, for ten seconds), `not_allowed` (no actor, or a deactivated one),
`expired`, `tenant_suspended` and `idempotency_conflict`; see [rejections](rejections.md).

**Events.** What is appended to the history of the entity itself, and in brackets what may be
appended to the tasks and the project around it; see [events](events.md). A job that changes nothing
appends none.
"""


def kinds_page() -> str:
    parts = [INTRODUCTION, *_contents()]
    for family in FAMILIES:
        parts.append(f"## {HEADINGS[family]}")
        parts += [_section(kind) for kind in prose(f"kinds/{family}")]
    parts += ["## Parts", *(_part(name) for name in sorted(_parts()))]
    parts += ["## Fields of outcomes", table(("field", "meaning"), _outcome_rows())]
    return page("Kinds of jobs", *parts)


def words(kind: str) -> dict[str, Any]:
    """The prose about the kind."""
    return _words()[kind]


@cache
def _words() -> dict[str, dict[str, Any]]:
    return {kind: said for family in FAMILIES for kind, said in prose(f"kinds/{family}").items()}


def _contents() -> Iterator[str]:
    for family in FAMILIES:
        links = (f"[{kind}](#{kind.replace('.', '')})" for kind in prose(f"kinds/{family}"))
        yield f"{HEADINGS[family]}: {', '.join(links)}."


def _section(kind: str) -> str:
    said = words(kind)
    lines = [f"### {kind}", " ".join((PAYLOADS[kind].__doc__ or "").split()), *_remarks(kind)]
    rows = _field_rows(kind, _schema(kind))
    lines.append(table(("field", "takes", "default", "meaning"), rows))
    lines.append(f"- Who: {said['who']}.\n- Events: {_events(said)}.\n- Outcome: {_outcome(said)}.")
    codes = (f"`{code}`: {when}" for code, when in said["codes"].items())
    lines.append("Refused:\n\n" + "\n".join(f"- {line}." for line in codes))
    lines.append(f"```json\n{json.dumps(example(kind, said['example']), indent=2)}\n```")
    return "\n\n".join(lines)


def _remarks(kind: str) -> Iterator[str]:
    if VERSIONS[kind] > 1:
        yield (
            f"`schema_version` is {VERSIONS[kind]}; earlier versions are read as they were sent, "
            "and an envelope without it is of version 1."
        )
    if kind in EPHEMERAL_KINDS:
        yield "Answered, never recorded; the durable way refuses it."
    if kind in SYSTEM_KINDS:
        yield "Not accepted on the wire; its id follows from its cause."


def _schema(kind: str) -> JsonSchema:
    schema = PAYLOADS[kind].model_json_schema()
    if "$ref" in schema:
        return {**schema["$defs"][schema["$ref"].rpartition("/")[2]], "$defs": schema["$defs"]}
    return schema


def _field_rows(owner: str, schema: JsonSchema) -> Iterator[tuple[str, ...]]:
    defs = schema.get("$defs", {})
    for name, field in schema["properties"].items():
        is_required = name in schema.get("required", ())
        default = "required" if is_required else _default(field)
        yield f"`{name}`", described(field, defs), default, meaning(owner, name)


def _default(field: JsonSchema) -> str:
    if "default" in field:
        return f"`{json.dumps(field['default'])}`"
    return "`[]`" if field.get("type") == "array" else "`{}`"


def meaning(owner: str, name: str) -> str:
    """What the field of this kind or part means."""
    fields = prose("fields")
    return str(fields.get(f"{owner}.{name}") or fields[name])


@cache
def _parts() -> dict[str, JsonSchema]:
    """Models that payloads are made of, by name."""
    found: dict[str, JsonSchema] = {}
    for kind in PAYLOADS:
        found |= _schema(kind).get("$defs", {})
    payloads = {payload.__name__ for payload in PAYLOADS.values()}
    return {n: s for n, s in found.items() if "properties" in s and n not in payloads}


def _part(name: str) -> str:
    schema = _parts()[name] | {"$defs": _all_defs()}
    said = " ".join(str(schema.get("description", "")).split())
    rows = _field_rows(name, schema)
    return "\n\n".join([f"### {name}", said, table(("field", "takes", "default", "meaning"), rows)])


@cache
def _all_defs() -> JsonSchema:
    return {name: part for kind in PAYLOADS for name, part in _schema(kind).get("$defs", {}).items()}


def _events(said: dict[str, Any]) -> str:
    own = ", ".join(f"`{event}`" for event in said["events"]) or "none"
    around = ", ".join(f"`{event}`" for event in said.get("follows", ()))
    return f"{own} ({around})" if around else own


def _outcome(said: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in said["outcome"])


def _outcome_rows() -> Iterator[tuple[str, str]]:
    return ((f"`{name}`", says) for name, says in prose("outcomes").items())
