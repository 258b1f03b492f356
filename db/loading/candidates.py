"""Ready tasks for those who ask for some."""

from db.loading.reading import Reading
from db.repositories.dispatch import Ask


async def load_candidates(reading: Reading) -> None:
    """Two who ask may be offered the same tasks, and jobs of this batch may take some first.

    So each is offered as many as all ask for together, and as many as are on the board besides.
    A task that was named and not found is not let in here: its kin was read without it.
    """
    wanted, board = reading.wanted, reading.board
    together = sum(wanted.asks.values()) + len(board.tasks)
    asking = [board.workers[key] for key in sorted(wanted.asks) if key in board.workers]
    asks = [Ask(worker, together) for worker in asking]
    if not asks:
        return
    named = wanted.named
    for worker, tasks in (await reading.uow.dispatch.candidates(asks)).items():
        known = [task for task in tasks if task.key in board.tasks or task.key not in named]
        reading.put([task for task in known if task.key not in board.tasks])
        board.candidates[worker] = [task.key for task in known]
