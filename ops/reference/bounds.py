"""What a field takes, in words, from its JSON Schema."""

from typing import Any

FORMATS = {"uuid": "UUID", "uuid7": "UUIDv7", "date-time": "RFC 3339 time"}
JsonSchema = dict[str, Any]


def described(schema: JsonSchema, defs: JsonSchema) -> str:
    """Type and bounds: "text, 1 to 200", "integer, at least 1, or null"."""
    if "anyOf" in schema:
        return " or ".join(_choice(one, defs) for one in schema["anyOf"])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _named(name, defs[name], defs)
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    return _typed(schema, defs)


def _choice(schema: JsonSchema, defs: JsonSchema) -> str:
    return "null" if schema.get("type") == "null" else described(schema, defs)


def _named(name: str, schema: JsonSchema, defs: JsonSchema) -> str:
    return described(schema, defs) if "enum" in schema else f"[{name}](#{name.lower()})"


def _typed(schema: JsonSchema, defs: JsonSchema) -> str:
    match schema.get("type"):
        case "string":
            return _text(schema)
        case "integer":
            return "integer" + _range(schema, "minimum", "maximum", "")
        case "array":
            item = described(schema["items"], defs)
            return f"list{_range(schema, 'minItems', 'maxItems', '')}, of {item}"
        case None:
            return "any JSON"
        case simple:
            return str(simple)


def _text(schema: JsonSchema) -> str:
    if "format" in schema:
        return FORMATS[schema["format"]]
    if "pattern" in schema:
        return f"text, `{schema['pattern']}`"
    return "text" + _range(schema, "minLength", "maxLength", " characters")


def _range(schema: JsonSchema, least: str, most: str, unit: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if high is None:
        return f", at least {low:,}{unit}"
    return f", {low or 0:,} to {high:,}{unit}"
