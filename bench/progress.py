"""A run on the screen: one bar over all trials with the time left, the current cell, the last scores."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from bench.plan import Cell
from bench.printing import duration
from bench.runner import Watch


def balanced_accuracy(predictions: Sequence[dict[str, Any]], subset: str) -> float:
    """Recall averaged over the classes, of a trial's predictions for one subset."""
    hits: dict[str, list[bool]] = {}
    for row in predictions:
        if row["subset"] == subset:
            hits.setdefault(row["label"], []).append(row["label"] == row["predicted"])
    return sum(sum(h) / len(h) for h in hits.values()) / len(hits)


class _TimeLeft(ProgressColumn):
    """Time left by work rather than by trials: a trial of one model takes a hundred times another's."""

    def render(self, task: Task) -> Text:
        worked, since = task.fields.get("worked", 0.0), task.fields.get("since")
        if since is None or worked < 0.005:
            return Text("…", style="dim")
        left = (time.monotonic() - since) * (1 - worked) / worked
        return Text(f"{duration(left)} left" if worked < 1 else "done")


class Screen(Watch):
    """Shows a run on a terminal; where there is none, prints a line a cell."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}", table_column=Column(no_wrap=True)),
            _TimeLeft(),
            TextColumn("[dim]{task.fields[last]}"),
            console=console,
            expand=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=1, unit="", last="", visible=False)
        self.costs: list[float] = []
        self.done_cost = 0.0
        self.current: Cell | None = None
        self.scores: list[float] = []

    def __enter__(self) -> "Screen":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_cell()
        self.bar.stop()

    def preparing(self, dataset: str, image_size: int, images: int) -> None:
        self.bar.reset(self.task, total=images, description=f"decoding {dataset}", unit="images", last="", visible=True)

    def decoded(self) -> None:
        self.bar.advance(self.task)

    def started(self, cells: Sequence[Cell]) -> None:
        self.costs = [cell.cost() for cell in cells]
        trials = sum(len(cell.trials) for cell in cells)
        self.bar.reset(self.task, total=max(trials, 1), description="", unit="trials", last="", visible=bool(cells))
        self.bar.update(self.task, since=time.monotonic(), worked=0.0)

    def cell(self, cell: Cell) -> None:
        self._end_cell()
        self.current, self.scores, self.began = cell, [], time.monotonic()
        self.bar.update(self.task, description=f"[bold]{cell.model.name}[/] · {cell.dataset.name}", last="")

    def advanced(self, share: float) -> None:
        assert self.current is not None
        self.done_cost += share * self.current.cost()
        self.bar.update(self.task, worked=min(1.0, self.done_cost / sum(self.costs)))

    def trial(self, cell: Cell, row: dict[str, Any], predictions: Sequence[dict[str, Any]]) -> None:
        self.bar.advance(self.task)
        if row["status"] == "failed":
            self.console.print(
                f"[red]failed[/]  {cell.name}, repeat {row['repeat']}, fold {row['fold']}: {row['error']}"
            )
            return
        score = balanced_accuracy(predictions, "test")
        self.scores.append(score)
        self.bar.update(self.task, last=f"last {score:.3f}")

    def waiting(self, trials: int) -> None:
        self._end_cell()
        said = f"waiting for {trials} trials of another run"
        if self.bar.tasks[self.task].description != said:
            self.bar.update(self.task, description=said, last="")
            if not self.console.is_terminal:
                self.console.print(said, highlight=False)

    def _end_cell(self) -> None:
        if self.current is None or not self.scores:
            return
        mean = sum(self.scores) / len(self.scores)
        name = f"{self.current.dataset.name} · {self.current.model.name}"
        took = duration(time.monotonic() - self.began)
        self.console.print(f"{name:<46} {len(self.scores):>3} trials  test {mean:.3f}  {took:>8}", highlight=False)
        self.scores = []
