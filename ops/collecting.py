"""How often Python looks for objects that hold nothing but each other."""

import gc

YOUNG_OBJECTS = 50_000
"""A batch makes more than Python's 700 and drops them all: looking at them cost 30 %.

Imports make more, too, and keep them: it cost a command a tenth of its start.
"""


def collect_rarely() -> None:
    gc.set_threshold(YOUNG_OBJECTS)


def spare_what_is_there() -> None:
    """As `collect_rarely`; and what was made so far stays, and is not looked at any more."""
    gc.freeze()
    collect_rarely()
