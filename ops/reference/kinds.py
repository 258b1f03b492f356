"""The page of all kinds of jobs: fields and bounds from the payload models, the rest from prose."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jobs.envelope import EPHEMERAL_KINDS, PAYLOADS, SYSTEM_KINDS, VERSIONS
from ops.reference.examples import example
from ops.reference.fields import part_section, parts, payload_table
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


def kinds_page() -> str:
    sections = [prose("introductions")["kinds"], *_contents()]
    for family in FAMILIES:
        sections.append(f"## {HEADINGS[family]}")
        sections += [_section(kind) for kind in prose(f"kinds/{family}")]
    sections += ["## Parts", *(part_section(name) for name in sorted(parts()))]
    sections += ["## Fields of outcomes", table(("field", "meaning"), _outcome_rows())]
    return page("Kinds of jobs", *sections)


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
    lines.append(payload_table(kind))
    lines.append(f"- Who: {said['who']}.\n- Events: {_events(said)}.\n- Outcome: {_outcome(said)}.")
    codes = (f"`{code}`: {when}" for code, when in said["codes"].items())
    lines.append("Refused:\n\n" + "\n".join(f"- {line}." for line in codes))
    lines.append(f"```json\n{json.dumps(example(kind, said['example']), indent=2)}\n```")
    return "\n\n".join(lines)


def _remarks(kind: str) -> Iterator[str]:
    if VERSIONS[kind] > 1:
        yield (
            f"`schema_version` is {VERSIONS[kind]}; an envelope without it is of version 1. "
            f"{words(kind)['earlier']}; it is still read."
        )
    if kind in EPHEMERAL_KINDS:
        yield "Answered, never recorded; the durable way refuses it."
    if kind in SYSTEM_KINDS:
        yield "Not accepted on the wire; its id follows from its cause."


def _events(said: dict[str, Any]) -> str:
    own = ", ".join(f"`{event}`" for event in said["events"]) or "none"
    around = ", ".join(f"`{event}`" for event in said.get("follows", ()))
    return f"{own} ({around})" if around else own


def _outcome(said: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in said["outcome"])


def _outcome_rows() -> Iterator[tuple[str, str]]:
    return ((f"`{name}`", says) for name, says in prose("outcomes").items())
