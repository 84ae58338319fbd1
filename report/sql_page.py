"""The page of SQL: worked queries with their answers, and every column of every table."""

from dataclasses import dataclass
from typing import Any

from report import show
from report.data import results
from store import public, query


@dataclass(frozen=True)
class Example:
    """A question in words, and as SQL."""

    question: str
    sql: str


EXAMPLES = (
    Example(
        "Which model is best on average, dataset by dataset?",
        "select dataset, recipe, model, round(avg(balanced_accuracy), 3) as score\nfrom scores\n"
        "where subset = 'test' and current\ngroup by all order by dataset, recipe, score desc\nlimit 10",
    ),
    Example(
        "Which images does everyone get wrong?",
        "select dataset, image_id, label, mode(predicted) as taken_for,\n"
        "  round(avg((predicted = label)::int), 2) as recognised\nfrom predictions\nwhere subset = 'test'\n"
        "group by all order by recognised, image_id\nlimit 10",
    ),
    Example(
        "Is the model that is surest also right?",
        "select model, round(list_max(probabilities)::double, 1) as confidence,\n  count(*) as predictions,\n"
        "  round(avg((predicted = label)::int), 3) as accuracy\nfrom predictions\nwhere subset = 'test'\n"
        "group by all having count(*) >= 20\norder by model, confidence desc\nlimit 10",
    ),
    Example(
        "Where does the vote differ from the trials' mean?",
        "select study, dataset, model, round(holdout_balanced_accuracy, 3) as mean,\n"
        "  round(vote_balanced_accuracy, 3) as vote\nfrom cells\nwhere done > 1\n"
        "order by vote_balanced_accuracy - holdout_balanced_accuracy desc\nlimit 10",
    ),
    Example(
        "How does the loss fall?",
        "select model, epoch, round(avg(loss[epoch]), 3) as loss\n"
        "from trials, unnest(range(1, len(loss) + 1)) as e(epoch)\nwhere status = 'done'\n"
        "group by all order by model, epoch\nlimit 10",
    ),
)


def examples() -> None:
    """Print each worked query with the answer of this store."""
    store = results().store
    for example in EXAMPLES:
        answer = query(store, example.sql)
        print(f"\n### {example.question}\n\n```sql\n{example.sql}\n```\n")
        show.table(answer.column_names, [[_shown(v) for v in row.values()] for row in answer.to_pylist()])


def tables() -> None:
    """Print every public table with its columns."""
    for view in public():
        print(f"\n### {view.name}\n\n{view.about}\n")
        show.table(["column", "what it holds"], [[f"`{name}`", text] for name, text in view.columns.items()])


def _shown(value: Any) -> Any:
    return f"`{value}`" if isinstance(value, str) and ("_" in value or "*" in value) else value
