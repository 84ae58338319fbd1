"""The page of SQL: worked queries with their answers, and every column of every table."""

import warnings
from dataclasses import dataclass

from report import show
from report.data import results
from report.show import Markup
from store import StoreWarning, public, query


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
        "Which classes are taken for each other?",
        "select dataset, recipe, model, label, predicted, sum(images)::int as times,\n"
        "  round(sum(images) / sum(sum(images)) over (partition by dataset, recipe, model, label), 2) as share\n"
        "from confusion\nwhere subset = 'test' and current\ngroup by dataset, recipe, model, label, predicted\n"
        "qualify label != predicted\norder by share desc, dataset, model, label\nlimit 10",
    ),
    Example(
        "Which classes are hardest to find, and for which model?",
        "with recalls as (\n  select s.dataset, s.model, unnest(t.classes) as class, unnest(s.recall) as recall\n"
        "  from scores s join trials t using (trial_id)\n  where s.subset = 'test' and s.current\n)\n"
        "select dataset, class, model, round(avg(recall), 2) as recall\nfrom recalls\n"
        "group by all order by recall, dataset, class, model\nlimit 10",
    ),
    Example(
        "Can the probabilities be believed?",
        "select dataset, recipe, model, round(avg(log_loss), 3) as log_loss,\n  round(avg(brier), 3) as brier,\n"
        "  round(avg(calibration_error), 3) as calibration_error\nfrom scores\n"
        "where subset = 'test' and current\ngroup by all order by log_loss\nlimit 10",
    ),
    Example(
        "Is the model that is surest also right?",
        "select model, round(list_max(probabilities)::double, 1) as confidence,\n  count(*) as predictions,\n"
        "  round(avg((predicted = label)::int), 3) as accuracy\nfrom predictions\nwhere subset = 'test'\n"
        "group by all having count(*) >= 20\norder by model, confidence desc\nlimit 10",
    ),
    Example(
        "Where does the vote of all trials differ from their mean?",
        "select study, dataset, recipe, model, round(holdout_balanced_accuracy, 3) as mean,\n"
        "  round(vote_balanced_accuracy, 3) as vote\nfrom cells\nwhere done > 1\n"
        "order by vote_balanced_accuracy - holdout_balanced_accuracy desc\nlimit 10",
    ),
    Example(
        "What if the models of a dataset voted together?",
        "with recalls as (\n  select dataset, label, avg((predicted = label)::int) as recall\n"
        "  from vote((select list(trial_id) from trials where current and status = 'done'))\n"
        "  where subset = 'holdout'\n  group by all\n)\n"
        "select dataset, round(avg(recall), 3) as vote_of_all\nfrom recalls group by dataset order by dataset",
    ),
    Example(
        "How does the training loss fall?",
        "select model, epoch, round(avg(loss), 3) as loss, round(avg(accuracy), 3) as accuracy\nfrom curves\n"
        "where current\ngroup by all order by model, epoch\nlimit 10",
    ),
    Example(
        "How well does each model rank the images of a class, and what did it cost?",
        "select a.dataset, a.recipe, a.model, round(avg(a.macro_auroc), 3) as macro_auroc,\n"
        "  round(avg(t.seconds), 1) as seconds_a_trial\nfrom auroc a join trials t using (trial_id)\n"
        "where a.subset = 'test' and t.current\ngroup by all order by macro_auroc desc\nlimit 10",
    ),
)


def examples() -> None:
    """Print each worked query with the answer of this store."""
    store = results().store
    for example in EXAMPLES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoreWarning)  # the home page says what is left out
            answer = query(store, example.sql)
        show.write(Markup("### {}").format(example.question))
        show.block(example.sql, "sql")
        show.table(answer.column_names, [[_shown(v) for v in row.values()] for row in answer.to_pylist()])


def tables() -> None:
    """Print every public table with its columns."""
    for view in public():
        show.write(Markup("### {}").format(view.name), show.prose(view.about))
        rows = [[show.code(name), show.prose(text)] for name, text in view.columns.items()]
        show.table(["column", "what it holds"], rows)


def _shown(value: object) -> object:
    """Names as code, as they stand in a query; all else as text."""
    return show.code(value) if isinstance(value, str) and "_" in value else value
