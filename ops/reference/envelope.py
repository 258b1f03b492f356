"""The JSON Schema of everything that may come over the wire, as pydantic makes it."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from jobs.envelope import AnyJob, WireJob
from jobs.upcasting import EARLIER
from ops.reference.prose import prose

REF = "#/$defs/"
ENVELOPE: TypeAdapter[AnyJob] = TypeAdapter(WireJob)


class _Plain(GenerateJsonSchema):
    """Without titles: they only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def envelope_schema() -> str:
    """The document of envelope.schema.json."""
    schema = ENVELOPE.json_schema(schema_generator=_Plain)
    kinds = {ref: kind for kind, ref in schema["discriminator"]["mapping"].items()}
    named = _renamed(schema, {ref.removeprefix(REF): kind for ref, kind in kinds.items()})
    for kind in kinds.values():
        named["$defs"][kind]["title"] = kind
    _add_earlier(named)
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "Job",
        "description": " ".join(prose("introductions")["envelope"].split()),
    }
    return json.dumps(head | named, indent=1) + "\n"


def _add_earlier(schema: dict[str, Any]) -> None:
    """Versions that are not current any more, but still read."""
    for (kind, version), earlier in EARLIER.items():
        of_version = earlier.shape.json_schema(schema_generator=_Plain)
        schema["$defs"] |= of_version.pop("$defs")
        name = f"{kind}.{version}"
        schema["$defs"][name] = of_version | {"title": f"{kind}, version {version}"}
        schema["oneOf"].append({"$ref": REF + name})


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """The envelopes' definitions called by their kinds, not by what pydantic calls the classes."""
    match schema:
        case dict():
            return {names.get(key, key): _renamed(value, names) for key, value in schema.items()}
        case list():
            return [_renamed(value, names) for value in schema]
        case str() if schema.removeprefix(REF) in names:
            return REF + names[schema.removeprefix(REF)]
        case _:
            return schema
