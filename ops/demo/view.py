"""What a terminal shows while the demo runs: the scene, how far it is, and what has come of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ops.demo.desk import Desk

REFRESH_PER_SECOND = 8


class View:
    """Draws itself anew from the desk's figures whenever rich asks for it."""

    def __init__(self, jobs: int) -> None:
        self.desk: Desk | None = None
        self.scene = "the servers start"
        self._jobs = jobs
        self._since = monotonic()

    def show_scene(self, scene: str) -> None:
        self.scene = scene

    def __rich__(self) -> Group:
        sent = 0 if self.desk is None else len(self.desk.sent)
        bar = ProgressBar(total=self._jobs, completed=min(sent, self._jobs), width=50)
        line = Text(f"{monotonic() - self._since:5.1f} s  {self.scene}")
        return Group(line, bar, self._figures(sent))

    def _figures(self, sent: int) -> Table:
        verdicts = {} if self.desk is None else self.desk.verdicts
        table = Table(box=None, pad_edge=False)
        for column in ("sent", "applied", "rejected", "buried", "jobs/s"):
            table.add_column(column, justify="right", min_width=10)
        done = (str(verdicts.get(status, 0)) for status in ("applied", "rejected", "buried"))
        rate = 0 if self.desk is None else self.desk.jobs_per_second
        table.add_row(f"{sent} of {self._jobs}", *done, str(rate))
        return table


@contextmanager
def shown(view: View) -> Iterator[None]:
    """The view stands on stderr while the block runs; nothing is drawn without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with Live(view, console=console, refresh_per_second=REFRESH_PER_SECOND, transient=True):
        yield
