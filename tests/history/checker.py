"""Whether a history kept the promises: facts out of PostgreSQL, and sixteen questions about them.

Independent of the product: it reads tables with SQL of its own, replays the history by its own
tables of states, and imports nothing of worker/, db/ or jobs/rules.

The invariants, and what each is about in taskrail:

I1   accepted is durable      recorded: always; enqueued: unless Redis has forgotten what it held
I2   decided once             the table `job`: applied, rejected or buried, never left accepted
I3   applied once             a job may cause several events: as many as its ledger row says
I4   legal path               the events of tasks, by the checker's own table of transitions
I5   gap-free                 projects, workers and tasks
I6   no lost update           every column that events name; comments
I7   recount                  counters of projects with what waits in `tally`; unmet dependencies
I8   outbox                   what was seen in the streams, in order; until the drain the table
I9   tenants                  jobs, events and references; canary reads in the worker's role
I10  atomic unknowns          calls whose answer was lost: a transaction, or one script of Redis
I11  fencing                  tokens of leases, by event and by the token that the job named
I12  same answer              what producers were told, and other contents under a known id
I13  rejection justified      by code, observed version and the state that the history tells
I14  liveness                 between a heal and the next decision; the drain
I15  order                    only `after` orders: settled later, with later events
I16  no residue               transactions, advisory locks, keys and processes
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tests.history.facts import Facts, Violation
from tests.history.invariants.acceptance import i01, i02, i10, i12
from tests.history.invariants.boundaries import i09, i11
from tests.history.invariants.derived import i07, i08
from tests.history.invariants.effects import i03, i04, i05, i06
from tests.history.invariants.refusals import i13
from tests.history.invariants.times import i14, i15, i16
from tests.history.reading import read_facts
from tests.history.recording import History

Invariant = Callable[[Facts], Iterator[Violation]]
INVARIANTS: tuple[Invariant, ...] = (
    i01, i02, i03, i04, i05, i06, i07, i08, i09, i10, i11, i12, i13, i14, i15, i16,
)  # fmt: skip
MOST_OF_EACH = 100
"""A broken promise is usually broken often."""


async def check(history: History, connection: Any) -> list[Violation]:
    """What is wrong; nothing, if every promise was kept. `connection`: asyncpg's, a superuser's.

    O(n log n) in jobs and events, and in memory: some 2 KB each.
    """
    return judge(await read_facts(history, connection))


def judge(facts: Facts) -> list[Violation]:
    return [
        violation
        for invariant in INVARIANTS
        for violation in islice(invariant(facts), MOST_OF_EACH)
    ]
