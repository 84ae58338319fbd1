"""The page of SQL: worked queries with their answers, and every column of every table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa

from report import downloads, show
from report.data import Results, results
from report.show import Html, Markup
from store import QueryError, public


@dataclass(frozen=True)
class Example:
    """A question in words, and as SQL."""

    question: str
    sql: str


SHORT = 6
"""Answers with more rows than these are folded."""
EXAMPLES = (
    Example(
        "Which model is best on average, dataset by dataset?",
        "with means as (\n  select dataset, recipe, model, avg(balanced_accuracy) as score, count(*) as trials\n"
        "  from scores where subset = 'test' and current\n    and recipe not like '%-groups-ignored'\n"
        "  group by all\n)\n"
        "select dataset, recipe, arg_max(model, score) as best, round(max(score), 3) as score,\n"
        "  arg_max(trials, score) as trials\nfrom means\ngroup by dataset, recipe order by dataset, recipe",
    ),
    Example(
        "Which three images of each dataset are hardest?",
        "select dataset, image_id, label, mode(predicted order by predicted) as taken_for,\n"
        "  round(avg((predicted = label)::int), 2) as recognised\nfrom predictions\n"
        "where subset = 'test' and recipe = (select mode(recipe) from scores where current)\n"
        "group by dataset, image_id, label\n"
        "qualify row_number() over (partition by dataset order by avg((predicted = label)::int), image_id) <= 3\n"
        "order by dataset, recognised, image_id",
    ),
    Example(
        "Which classes are taken for each other, by the model of each dataset that does best?",
        "with means as (\n  select dataset, recipe, model, avg(balanced_accuracy) as score, count(*) as trials\n"
        "  from scores where subset = 'test' and current\n    and recipe not like '%-groups-ignored'\n"
        "  group by all\n),\nbest as (\n"
        "  select * from means qualify row_number() over (partition by dataset order by trials desc, score desc) = 1\n"
        ")\nselect dataset, recipe, model, label, predicted, sum(images)::int as times,\n"
        "  round(sum(images) / sum(sum(images)) over (partition by dataset, label), 2) as share\n"
        "from confusion join best using (dataset, recipe, model)\nwhere subset = 'test' and current\n"
        "group by dataset, recipe, model, label, predicted\nqualify label != predicted\n"
        "order by dataset, share desc, label, predicted",
    ),
    Example(
        "Which class is hardest to find, for each model?",
        "with recalls as (\n  select s.dataset, s.recipe, s.model, unnest(t.classes) as class,\n"
        "    unnest(s.recall) as recall\n  from scores s join trials t using (trial_id)\n"
        "  where s.subset = 'test' and s.current\n),\n"
        "means as (select dataset, recipe, model, class, avg(recall) as recall from recalls group by all)\n"
        "select dataset, recipe, model, arg_min(class, recall) as hardest, round(min(recall), 2) as recall\n"
        "from means\nwhere recipe = (select mode(recipe) from scores where current)\n"
        "group by dataset, recipe, model order by dataset, recall",
    ),
    Example(
        "Can the probabilities be believed?",
        "select dataset, recipe, model, round(avg(log_loss), 3) as log_loss,\n  round(avg(brier), 3) as brier,\n"
        "  round(avg(calibration_error), 3) as calibration_error\nfrom scores\n"
        "where subset = 'test' and current and recipe = (select mode(recipe) from scores where current)\n"
        "group by all order by dataset, log_loss",
    ),
    Example(
        "Is the model that is surest also right?",
        "select model, round(list_max(probabilities)::double, 1) as confidence,\n  count(*) as predictions,\n"
        "  round(avg((predicted = label)::int), 3) as accuracy\nfrom predictions\n"
        "where subset = 'test' and recipe = (select mode(recipe) from scores where current)\n"
        "group by all having count(*) >= 20\norder by model, confidence desc",
    ),
    Example(
        "Where does the vote of all trials differ most from their mean?",
        "select study, dataset, recipe, model, round(holdout_balanced_accuracy, 3) as mean,\n"
        "  round(vote_balanced_accuracy, 3) as vote\nfrom cells\n"
        "where done > 1 and recipe not like '%-groups-ignored'\nqualify row_number() over (partition by dataset\n"
        "  order by abs(vote_balanced_accuracy - holdout_balanced_accuracy) desc, study, recipe, model) = 1\n"
        "order by dataset",
    ),
    Example(
        "What if the models of a dataset voted together?",
        "with recalls as (\n  select dataset, label, avg((predicted = label)::int) as recall\n"
        "  from vote((\n    select list(trial_id) from trials\n"
        "    where current and status = 'done' and recipe not like '%-groups-ignored'\n  ))\n"
        "  where subset = 'holdout'\n  group by all\n)\n"
        "select dataset, round(avg(recall), 3) as vote_of_all\nfrom recalls group by dataset order by dataset",
    ),
    Example(
        "How does the training loss fall?",
        "select model, epoch, round(avg(loss), 3) as loss, round(avg(accuracy), 3) as accuracy\nfrom curves\n"
        "where current and recipe = (select mode(recipe) from scores where current)\n"
        "group by all order by model, epoch",
    ),
    Example(
        "How well does each model rank the images of a class, and what did it cost?",
        "select a.dataset, a.model, t.device, round(avg(a.macro_auroc), 3) as macro_auroc,\n"
        "  round(avg(t.seconds), 1) as seconds_a_trial\nfrom auroc a join trials t using (trial_id)\n"
        "where a.subset = 'test' and t.current and a.recipe = (select mode(recipe) from scores where current)\n"
        "group by all order by a.dataset, macro_auroc desc",
    ),
    Example(
        "How many errors are left when a person looks at the least certain fifth?",
        "with said as (\n  select dataset, recipe, model, predicted != label as wrong, percent_rank() over (\n"
        "    partition by dataset, recipe, model, repeat order by list_max(probabilities)\n  ) as place\n"
        "  from predictions where subset = 'test'\n"
        "    and recipe = (select mode(recipe) from scores where current)\n)\n"
        "select dataset, model, round(avg(wrong::int), 3) as wrong,\n"
        "  round(avg(wrong::int) filter (place >= 0.2), 3) as wrong_on_the_surest\n"
        "from said group by dataset, model order by dataset, wrong_on_the_surest",
    ),
    Example(
        "Which labels should somebody look at, and of what class are the images that look most alike?",
        "with doubts as (\n  select dataset, recipe, image_id, label,\n"
        "    mode(predicted order by predicted) as taken_for, avg((predicted = label)::int) as recognised,\n"
        "    avg(list_max(probabilities)) as sure\n  from predictions\n  "
        "where recipe = (select mode(recipe) from scores where current)\n  group by all\n),\nnear as (\n"
        "  select dataset, recipe, image_id, mode(nearest[1] order by nearest[1]) as nearest\n"
        "  from neighbours group by all\n)\nselect "
        "d.dataset, d.image_id, d.taken_for, round(d.recognised, 2) as recognised, split_part(n.nearest, '/', 1) as "
        "like\nfrom doubts d left join near n using (dataset, recipe, image_id)\nqualify row_number() over (\n  "
        "partition by d.dataset order by d.recognised, d.sure desc, d.image_id\n) <= 3\norder by d.dataset, "
        "d.recognised, d.image_id",
    ),
    Example(
        "How does the score grow with the number of training images?",
        "select s.dataset, s.model, round(avg(t.train_images))::int as images,\n"
        "  round(avg(s.balanced_accuracy), 3) as score, count(*) as trials\n"
        "from scores s join trials t using (trial_id)\n"
        "where s.subset = 'test' and s.current\n"
        "  and regexp_replace(s.recipe, '-train[0-9.]+$', '') = (select mode(recipe) from scores where current)\n"
        "group by s.dataset, s.model, s.recipe order by s.dataset, s.model, images",
    ),
    Example(
        "On which groups of images (donors, slides) does the model that is best on average do worst?",
        "with each as (\n  select p.dataset, p.model, i.image_group, avg((p.predicted = p.label)::int) as recognised,\n"
        "    count(distinct p.image_id) as images\n"
        "  from predictions p join trials t using (trial_id)\n"
        "  join images i on i.dataset = p.dataset and i.dataset_hash = t.dataset_hash and i.image_id = p.image_id\n"
        "  where p.subset = 'test' and t.current\n"
        "    and p.recipe = (select mode(recipe) from scores where current)\n  group by all\n),\n"
        "best as (\n  select dataset, arg_max(model, score) as model from (\n"
        "    select dataset, model, avg(recognised) as score from each group by all\n  ) group by dataset\n)\n"
        "select dataset, model, image_group, images, round(recognised, 2) as recognised\n"
        "from each semi join best using (dataset, model)\n"
        "qualify row_number() over (partition by dataset order by images < 3, recognised, image_group) <= 3\n"
        "order by dataset, recognised, image_group",
    ),
    Example(
        "What would a careless split have claimed?",
        "with cells as (\n  select dataset, model, replace(recipe, '-groups-ignored', '') as recipe,\n"
        "    avg(balanced_accuracy) filter (recipe not like '%-groups-ignored') as honest,\n"
        "    avg(balanced_accuracy) filter (recipe like '%-groups-ignored') as careless\n"
        "  from scores where subset = 'test' and current group by all\n)\n"
        "select dataset, model, recipe, round(honest, 3) as honest, round(careless, 3) as careless,\n"
        "  round(careless - honest, 3) as claimed\n"
        "from cells where careless is not null and honest is not null order by claimed desc",
    ),
)


def editor() -> None:
    """Print the place for the editor, or how to have one."""
    show.raw(
        Html('<div class="query" data-engine="{}" data-tables="{}"></div>').format(
            "yes" if downloads.modules() else "no", " ".join(downloads.TABLES)
        )
    )
    if not downloads.modules():
        show.write(
            Markup(
                "With DuckDB for browsers these queries run in the page. It was not at hand when this site was built: "
                "`npm install --no-save @duckdb/duckdb-wasm@1.28.0` in the folder in which `bench report` runs, and "
                "the next site has it."
            )
        )


def files() -> None:
    """Print the tables as files; what each holds stands below."""
    links = [show.file_link(name, f"assets/store/{name}.parquet") for name in downloads.TABLES]
    show.write(Markup("As Parquet: {}.").format(show.listed(links)))


def examples() -> None:
    """Print each worked query with the answer of this store."""
    found = results()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(partial(_answer, found), [example.sql for example in EXAMPLES]))
    for example, answer in zip(EXAMPLES, answers, strict=True):
        show.folded(Html("<strong>{}</strong>").format(example.question))
        show.block(example.sql, "sql")
        rows = [[_shown(v) for v in row.values()] for row in answer.to_pylist()]
        long = len(rows) > SHORT
        if long:
            show.folded(Html("The answer: {} rows").format(len(rows)))
        show.table(answer.column_names, rows)
        if long:
            show.unfolded()
        show.unfolded()


def _answer(found: Results, sql: str) -> pa.Table:
    """The answer over the tables that the site has opened already: these queries are this project's own. Several may be
    asked at once.

    Raises:
        QueryError: it is none, and why.
    """
    try:
        return found.connection.cursor().sql(sql).to_arrow_table()
    except duckdb.Error as error:
        raise QueryError(str(error)) from None


def tables() -> None:
    """Print every public table with its columns."""
    for view in public():
        first, _, rest = view.about.partition(". ")
        show.folded(Html("<strong>{}</strong>: {}").format(view.name, show.prose_html(first.rstrip("."))))
        if rest:
            show.write(show.prose(rest))
        rows = [[show.code(name), show.prose(text)] for name, text in view.columns.items()]
        show.table(["column", "what it holds"], rows)
        show.unfolded()


def _shown(value: object) -> object:
    """Names as code, as they stand in a query; all else as text."""
    return show.code(value) if isinstance(value, str) and "_" in value else value
