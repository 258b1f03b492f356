"""Which pages are generated, and by what."""

from collections.abc import Callable

from ops.reference.envelope import envelope_schema
from ops.reference.events import events_page
from ops.reference.kinds import kinds_page
from ops.reference.schema import schema_page
from ops.reference.states import states_page

PAGES: dict[str, Callable[[], str]] = {
    "envelope.schema.json": envelope_schema,
    "events.md": events_page,
    "kinds.md": kinds_page,
    "schema.md": schema_page,
    "states.md": states_page,
}
"""By file name in docs/reference."""
