"""The queries that give a chart's numbers, for readers to ask again: `bench query`, or the page on SQL.

A chart whose numbers no single query gives names the function that makes them instead.
"""

from report.data import Section


def scores(section: Section, subset: str) -> str:
    """Each trial's score on a subset."""
    return (
        f"select model, repeat, fold, balanced_accuracy\nfrom scores\nwhere {_of(section)} and subset = '{subset}' "
        "and current\norder by model, repeat, fold"
    )


def confusion(section: Section) -> str:
    """For each model, the share of each class's images that is taken for each class, out of fold."""
    return (
        "select model, label, predicted,\n"
        "  sum(images) / sum(sum(images)) over (partition by model, label) as share\n"
        f"from confusion\nwhere {_of(section)} and subset = 'test' and current\n"
        "group by model, label, predicted order by model, label, predicted"
    )


def curves(section: Section) -> str:
    """How each model's trainings went on average, epoch by epoch."""
    return (
        "select model, epoch, avg(accuracy) as accuracy, avg(loss) as loss\nfrom curves\n"
        f"where {_of(section)} and current and accuracy is not null\ngroup by model, epoch order by model, epoch"
    )


def _of(section: Section) -> str:
    dataset, recipe, scheme = (words.replace("'", "''") for words in (section.dataset, section.recipe, section.scheme))
    # Where two studies split the images differently, their trials are no one's together.
    splits = f" and trial_id in (select trial_id from plans where scheme = '{scheme}')" if section.also else ""
    return f"dataset = '{dataset}' and recipe = '{recipe}'{splits}"
