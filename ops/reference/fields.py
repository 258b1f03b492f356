"""The fields of payloads and of the parts they are made of, as tables."""

import json
from collections.abc import Iterator
from functools import cache

from jobs.envelope import PAYLOADS
from ops.reference.bounds import JsonSchema, described
from ops.reference.prose import prose, table

HEAD = ("field", "takes", "default", "meaning")


def payload_table(kind: str) -> str:
    """The fields of the kind's payload."""
    return table(HEAD, _rows(kind, _schema(kind)))


def part_section(name: str) -> str:
    """A model that payloads are made of: its docstring and fields."""
    schema = parts()[name]
    said = " ".join(str(schema.get("description", "")).split())
    return "\n\n".join([f"### {name}", said, table(HEAD, _rows(name, schema | {"$defs": _defs()}))])


@cache
def parts() -> dict[str, JsonSchema]:
    """The models that payloads are made of, by name."""
    payloads = {payload.__name__ for payload in PAYLOADS.values()}
    return {n: part for n, part in _defs().items() if "properties" in part and n not in payloads}


def meaning(owner: str, name: str) -> str:
    """What the field of this kind or part means."""
    fields = prose("fields")
    return str(fields.get(f"{owner}.{name}") or fields[name])


@cache
def _defs() -> dict[str, JsonSchema]:
    found: dict[str, JsonSchema] = {}
    for kind in PAYLOADS:
        found |= _schema(kind).get("$defs", {})
    return found


def _schema(kind: str) -> JsonSchema:
    schema = PAYLOADS[kind].model_json_schema()
    if "$ref" in schema:
        return {**schema["$defs"][schema["$ref"].rpartition("/")[2]], "$defs": schema["$defs"]}
    return schema


def _rows(owner: str, schema: JsonSchema) -> Iterator[tuple[str, ...]]:
    defs = schema.get("$defs", {})
    for name, field in schema["properties"].items():
        is_required = name in schema.get("required", ())
        default = "required" if is_required else _default(owner, name, field)
        yield f"`{name}`", described(field, defs), default, meaning(owner, name)


def _default(owner: str, name: str, field: JsonSchema) -> str:
    if owner.endswith(".update") and name != "expected_version":
        return "unchanged"
    if "default" in field:
        return f"`{json.dumps(field['default'])}`"
    return "`[]`" if field.get("type") == "array" else "`{}`"
