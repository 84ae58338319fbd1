"""The grid of the home page: datasets × models, each cell a number, its colour the difference to the small network."""

from itertools import groupby

from report import charts, show, transfer
from report.data import Results, Section
from report.devices import named
from report.estimates import points
from report.show import Html, Markup
from report.transfer import Cell

MARKS = {"better": "▲", "worse": "▼", "equivalent": "=", "undecided": "?", "incomplete": "…"}
FULL = 0.25
"""The difference at which a cell has its whole colour."""


def show_grid(found: Results) -> None:
    """Print the grid, its reading, and what was planned and never run."""
    cells = transfer.grid(found)
    models = [m for m in found.models() if any(m in row for row in cells.values())]
    head = _head(found, models)
    body = Html("").join(_row(found, section, row, models) for section, row in cells.items())
    drawn = Html(
        '<div class="grid-box"><div class="table-box"><table class="cells"><caption class="visually-hidden">Balanced '
        "accuracy on the test folds of {} models on {} datasets</caption>{}<tbody>{}</tbody></table></div></div>"
    ).format(len(models), len(cells), head, body)
    show.write(Markup("::: {.column-page}"))
    show.figure(
        drawn,
        "grid",
        Markup(
            "Mean balanced accuracy on the test folds, in percent, at each dataset's main recipe. Colour: the "
            "difference to the small network trained from scratch, green above it, orange below. ▲ better, ▼ worse, "
            "= as good, ? these data cannot tell. Dashed: not all trials are done. A click on a head sorts, one on a "
            "number opens the dataset at that model."
        ),
    )
    show.write(Markup(":::"))
    _never_run(found)


def _head(found: Results, models: list[str]) -> Html:
    families = [(family, list(own)) for family, own in groupby(models, key=lambda m: found.model_card(m)["family"])]
    first = Html("").join(
        Html('<th scope="colgroup" colspan="{}">{}</th>').format(len(own), family) for family, own in families
    )
    second = Html("").join(
        Html('<th scope="col" data-sort="{}">{}<span>{}</span></th>').format(
            model, charts.glyph(found.style(model)), _short(model, own)
        )
        for _, own in families
        for model in own
    )
    return Html(
        '<thead><tr><td class="corner"></td>{}</tr><tr><th scope="col" data-sort="">dataset</th>{}</tr></thead>'
    ).format(first, second)


def _short(model: str, family: list[str]) -> str:
    """A model's name within its family: the part that tells it from the others."""
    base = min(family, key=len)
    if all(name.startswith(base) for name in family) and len(family) > 1:
        return model.removeprefix(base).removeprefix("-") or ("head" if "-" in base else model)
    return model


def _row(found: Results, section: Section, row: dict[str, Cell], models: list[str]) -> Html:
    title = show.prose_html(found.dataset_card(section.dataset)["title"], links=False)
    head = Html('<th scope="row"><a href="datasets/{}.html">{}</a><small>{} · {} classes</small></th>').format(
        section.dataset, title, section.title, len(found.dataset_card(section.scheme)["classes"])
    )
    return Html("<tr>{}{}</tr>").format(head, Html("").join(_cell(section, row.get(m), m) for m in models))


def _cell(section: Section, cell: Cell | None, model: str) -> Html:
    if cell is None:
        return Html('<td class="none" data-model="{}" data-tip="{} · not run">–</td>').format(model, model)
    difference = cell.against.difference.mean if cell.against else 0.0
    kind = "up" if difference > 0 else "down"
    missing = " missing" if cell.done < cell.wanted else ""
    verdict = cell.against.narrow if cell.against else ""
    against = ""
    if cell.against:
        against = f" · {points(difference)} points to {cell.against.reference}: {verdict}"
    hint = (
        f"{model} · {cell.score * 100:.1f} % [{cell.low * 100:.1f}, {cell.high * 100:.1f}]{against}"
        f" · {cell.done} of {cell.wanted} trials · {named(cell.devices)}"
    )
    return Html(
        '<td class="{}{}" style="--p:{:.0f}%" data-model="{}" data-v="{:.4f}" data-tip="{}">'
        '<a href="datasets/{}.html#model={}">{:.1f}</a><span class="sign {}">{}</span></td>'
    ).format(
        kind,
        missing,
        min(abs(difference) / FULL, 1) * 62,
        model,
        cell.score,
        hint,
        section.dataset,
        model,
        cell.score * 100,
        verdict,
        MARKS.get(verdict, ""),
    )


def _never_run(found: Results) -> None:
    frame = found.frame(
        "select model, any_value(unavailable) as why from progress "
        "where ($study is null or study = $study) group by model having sum(done) = 0 order by model",
        study=found.study,
    )
    if frame.empty:
        return
    away = frame["why"].notna()
    said = [
        Markup("{}: {}").format(words, show.listed([show.code(m) for m in own["model"]]))
        for words, own in (("their weights were not at hand", frame[away]), ("not run yet", frame[~away]))
        if len(own)
    ]
    show.write(
        Markup("::: {.note}"),
        Markup("Planned, but missing on this page: {}.").format(Markup("; ").join(said)),
        Markup(":::"),
    )
