"""A run on the screen: one bar over all trials with the time left, a line for each worker, the last scores."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from bench.commands.printing import duration, escaped
from bench.planning import Cell
from bench.running import Watch
from store import PredictionRow, TrialRow


def balanced_accuracy(predictions: Sequence[PredictionRow], subset: str) -> float:
    """Recall averaged over the classes, of a trial's predictions for one subset."""
    hits: dict[str, list[bool]] = {}
    for row in predictions:
        if row["subset"] == subset:
            hits.setdefault(row["label"], []).append(row["label"] == row["predicted"])
    return sum(sum(h) / len(h) for h in hits.values()) / len(hits)


class _TimeLeft(ProgressColumn):
    """Time left by work rather than by trials: a trial of one model takes a hundred times another's."""

    def render(self, task: Task) -> Text:
        if "worked" not in task.fields:
            return Text()
        worked, since = task.fields["worked"], task.fields.get("since")
        if since is None or worked < 0.005:
            return Text("…", style="dim")
        left = (time.monotonic() - since) * (1 - worked) / worked
        return Text(f"{duration(left)} left" if worked < 1 else "done")


class _Count(ProgressColumn):
    """How many are done of how many; nothing for a worker's line."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f} {task.fields['unit']}" if task.fields["unit"] else "")


@dataclass
class _Tally:
    """What is known of a cell: how many trials are to end, how many have, and their scores."""

    cell: Cell
    began: float
    ended: int = 0
    scores: list[float] = field(default_factory=list)


class Screen(Watch):
    """Shows a run on a terminal; where there is none, prints a line a cell."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            BarColumn(bar_width=12),
            _Count(table_column=Column(no_wrap=True)),
            _TimeLeft(),
            TextColumn("[dim]{task.fields[last]}"),
            console=console,
            expand=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=1, unit="", last="", visible=False, worked=0.0)
        self.all_costs = self.done_cost = 0.0
        self.current: Cell | None = None
        self.wanted: dict[str, int] = {}
        self.several = False  # recipes
        self.width = 46
        self.tallies: dict[str, _Tally] = {}

    def __enter__(self) -> "Screen":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._print_the_rest()
        self.bar.stop()

    def preparing(self, dataset: str, image_size: int, images: int) -> None:
        self.bar.reset(self.task, total=images, description=f"decoding {dataset}", unit="images", last="", visible=True)

    def preprocessing(self, dataset: str, steps: Sequence[str], images: int) -> None:
        doing = f"{', '.join(steps)}: {dataset}"
        self.bar.reset(self.task, total=images, description=doing, unit="images", last="", visible=True)

    def decoded(self) -> None:
        self.bar.advance(self.task)

    def started(self, cells: Sequence[Cell]) -> None:
        self.all_costs = sum(cell.cost() for cell in cells)
        self.wanted = {cell.id: len(cell.trials) for cell in cells}
        self.several = len({cell.recipe for cell in cells}) > 1
        self.width = max([46, *(len(self._named(cell)) for cell in cells)])
        trials = sum(self.wanted.values())
        self.bar.reset(self.task, total=max(trials, 1), description="", unit="trials", last="", visible=bool(cells))
        self.bar.update(self.task, since=time.monotonic(), worked=0.0)

    def lane(self, name: str) -> Watch:
        self.bar.update(self.task, description="all workers", last="")
        return _Lane(self, self.bar.add_task(f"{name}: starts", total=1, unit="", last=""), name)

    def cell(self, cell: Cell) -> None:
        self.current = cell
        self.begin(cell)
        self.bar.update(self.task, description=_shown(cell), last="")

    def advanced(self, share: float) -> None:
        assert self.current is not None
        self.work(self.current, share)

    def trial(self, cell: Cell, row: TrialRow, predictions: Sequence[PredictionRow]) -> None:
        self.end(cell, row, predictions, self.task)

    def waiting(self, trials: int) -> None:
        self._print_the_rest()
        said = f"waiting for {trials} trials of another run"
        if self.bar.tasks[self.task].description != said:
            self.bar.update(self.task, description=said, last="")
            if not self.console.is_terminal:
                self.console.print(said, highlight=False)

    # --- What a worker's lane tells too

    def begin(self, cell: Cell) -> None:
        """A worker is at this cell, perhaps not the first one."""
        self.tallies.setdefault(cell.id, _Tally(cell, time.monotonic()))

    def work(self, cell: Cell, share: float) -> None:
        """So much more of a cell's work is done."""
        self.done_cost += share * cell.cost()
        self.bar.update(self.task, worked=min(1.0, self.done_cost / max(self.all_costs, 1e-9)))

    def end(self, cell: Cell, row: TrialRow, predictions: Sequence[PredictionRow], line: TaskID) -> None:
        """A trial of a cell has ended."""
        self.bar.advance(self.task)
        tally = self.tallies.setdefault(cell.id, _Tally(cell, time.monotonic()))
        tally.ended += 1
        if row["status"] == "failed":
            self.console.print(
                f"[red]failed[/]  {escaped(cell.name)}, repeat {row['repeat']}, fold {row['fold']}: "
                f"{escaped(row['error'])}"
            )
        else:
            tally.scores.append(balanced_accuracy(predictions, "test"))
            self.bar.update(line, last=f"last {tally.scores[-1]:.3f}")
        if tally.ended == self.wanted.get(cell.id):
            self._print(tally)

    def _print_the_rest(self) -> None:
        for tally in list(self.tallies.values()):
            self._print(tally)

    def _print(self, tally: _Tally) -> None:
        del self.tallies[tally.cell.id]
        if not tally.scores:
            return
        mean = sum(tally.scores) / len(tally.scores)
        name = f"{self._named(tally.cell):<{self.width}}"
        took = duration(time.monotonic() - tally.began)
        self.console.print(
            f"{escaped(name)} {len(tally.scores):>3} trials  test {mean:.3f}  {took:>8}", highlight=False
        )

    def _named(self, cell: Cell) -> str:
        return cell.name if self.several else f"{cell.dataset.name} · {cell.model.name}"


class _Lane(Watch):
    """One worker's line below the bar."""

    def __init__(self, screen: Screen, line: TaskID, name: str) -> None:
        self.screen, self.line, self.name = screen, line, name
        self.current: Cell | None = None

    def cell(self, cell: Cell) -> None:
        self.current = cell
        self.screen.begin(cell)
        self.screen.bar.update(self.line, description=f"{self.name}: {_shown(cell)}", last="")
        self._show_done(cell)

    def advanced(self, share: float) -> None:
        assert self.current is not None
        self.screen.work(self.current, share)

    def trial(self, cell: Cell, row: TrialRow, predictions: Sequence[PredictionRow]) -> None:
        self.screen.end(cell, row, predictions, self.line)
        self._show_done(cell)

    def _show_done(self, cell: Cell) -> None:
        """The bar of a worker's line is that of its cell, whoever trains it."""
        wanted, tally = self.screen.wanted.get(cell.id, 1), self.screen.tallies.get(cell.id)
        self.screen.bar.update(self.line, total=wanted, completed=tally.ended if tally else wanted)


def _shown(cell: Cell) -> str:
    return f"[bold]{escaped(cell.model.name)}[/] · {escaped(cell.dataset.name)}"
