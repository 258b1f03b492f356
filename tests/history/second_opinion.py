"""What the product's own `verify` finds in the same database: it asks other questions."""

from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from tests.history.facts import Violation
from tests.history.fleet import started

VERIFY = ("-P", "-m", "ops", "verify", "--json")


async def second_opinion(environment: Mapping[str, str]) -> list[Violation]:
    """Its violations; that it found nothing to say, if it broke."""
    process = await started(VERIFY, environment, stdin=DEVNULL, stdout=PIPE)
    said, _ = await process.communicate()
    if not said:
        return [Violation("verify", "the database", f"it ended with {process.returncode}")]
    return [_as_ours(found) for found in from_json(said)["violations"]]


def _as_ours(found: dict[str, Any]) -> Violation:
    subject = f"{found['tenant']} {found['entity']} {found['id']}"
    return Violation("verify", subject, f"{found['check']}: {found['detail']}")
