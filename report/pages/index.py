"""The home page: the question, the answer, two pictures of it, and the ways on."""

import pandas as pd

from report import charts, findings, questions, show, transfer
from report.data import Results, results
from report.estimates import counted
from report.pages import grid
from report.pages.dataset import headline
from report.show import Html, Markup


def answer() -> None:
    """Print the answer in three sentences, each carried by verdicts. What `report.answers` says belongs here."""
    found = results()
    everything = findings.everywhere(found)
    said = [Markup("{}.").format(transfer.headline(transfer.arrows(found)))]
    for question, words in (
        (questions.SMALL, "Against a small network trained from scratch, a pre-trained one"),
        (questions.COLOUR, "Against a regression on nothing but mean colours, a model"),
    ):
        own = [f for f in everything if f.question is question]
        if own:
            better = sum(f.narrow == "better" for f in own)
            open_ = sum(f.narrow == "undecided" for f in own)
            said.append(
                Markup("{} is better in {} of {}{}.").format(
                    words,
                    better,
                    counted(len(own), "comparison"),
                    Markup("; in {} these data cannot tell").format(open_) if open_ else "",
                )
            )
    trials, models = len(found.frame("select * from chosen_trials")), len(found.models())
    show.write(
        Markup("::: {.answer}"),
        Markup(" ").join(said),
        Markup("Drawn from {} of {} on {} of {}; every number is one click from the images behind it.").format(
            counted(trials, "trial"), counted(models, "model"), counted(len(found.datasets), "dataset"), _images(found)
        ),
        Markup(":::"),
    )
    _left_out()


def _images(found: Results) -> str:
    """How many images the datasets have: `339 to 1,000 images`."""
    counts = [sum(found.dataset_card(name)["at_hand"].values()) for name in found.datasets]
    few, many = min(counts, default=0), max(counts, default=0)
    return counted(many, "image") if few == many else f"{few:,} to {counted(many, 'image')}"


def _left_out() -> None:
    found = results()
    if found.left_out:
        faults = [Markup("- {} {}").format(show.code(warning.path), warning.fault) for warning in found.left_out]
        show.write(
            Markup("::: {.callout-warning}\nParts of the results are left out of everything on this site:"),
            Markup("\n").join(faults),
            Markup(":::"),
        )


def arrows() -> None:
    """Print what pre-training adds on each dataset, as arrows."""
    frame = transfer.arrows(results())
    if frame.empty:
        show.write(Markup("No pre-trained model stands beside one from scratch yet, so there is nothing to draw."))
        return
    titles = {
        name: show.prose_html(title, links=False) for name, title in zip(frame["dataset"], frame["title"], strict=True)
    }
    frame = frame.assign(title=frame["dataset"].map(titles))
    names = list(dict.fromkeys(frame["dataset"]))
    ends = names if len(names) <= MOST else [*names[: MOST // 2], *names[-(MOST // 2) :]]
    _arrows(frame[frame["dataset"].isin(ends)], "arrows", transfer.headline(frame))
    if len(ends) < len(names):
        show.write(
            Markup("Drawn are the {} datasets on which it seems to add most, and the {} on which least.").format(
                MOST // 2, MOST // 2
            )
        )
        show.folded(Html("All {} datasets").format(len(names)))
        _arrows(frame, "all-arrows", f"All {len(names)} datasets, what adds most first")
        show.unfolded()


MOST = 12
"""Of more datasets than these the picture shows the two ends; all of them are a click away."""


def _arrows(frame: pd.DataFrame, name: str, title: str) -> None:
    show.chart(
        charts.arrows(frame),
        name,
        Markup(
            "A row a dataset. The thick arrow goes from the network trained from scratch to the same network "
            "pre-trained; thin ones are its other uses: a head or a probe on frozen layers. Dotted: there is no such "
            "twin yet, and it starts at the small network. The shade is the 95 % interval of the difference, green "
            "where better, orange where worse, grey where these data cannot tell: the verdict knows how many were "
            "asked. The grey bar is the best model without any network. Scores of two classes and of five meet on one "
            "scale: 0 is guessing, 100 % is perfect."
        ),
        "What pre-training adds on each dataset, as arrows from scratch to pre-trained",
        title=Html("{}").format(title),
        by=transfer.arrows,
    )


def all_cells() -> None:
    """Print all datasets × models."""
    grid.show_grid(results())


def claims() -> None:
    """Print the study's questions, a line each, with what these data say. What `report.answers` says belongs here."""
    everything = findings.everywhere(results())
    rows: list[list[object]] = []
    for question in questions.QUESTIONS:
        found = [f for f in everything if f.question is question]
        said = headline(found) if found else "no two models answer this yet"
        rows.append(
            [
                show.link(
                    Markup("{}").format(question.text),
                    f"conclusions.qmd#fig-{question.key}" if found else "conclusions.qmd",
                ),
                said,
            ]
        )
    show.table(["the question", "these data"], rows)


def news() -> None:
    """Print the newest trials, a row a day on which any were trained."""
    frame = results().frame(
        "select finished_at::date::varchar as day, dataset, count(*) as trials from trials "
        "semi join chosen_trials using (trial_id) group by day, dataset order by day desc, trials desc, dataset"
    )
    rows: list[list[object]] = []
    for day in list(dict.fromkeys(frame["day"]))[:DAYS]:
        own = frame[frame["day"] == day]
        each = [
            Markup("{} {:,}").format(
                show.link(show.text(row["dataset"]), f"datasets/{row['dataset']}.qmd"), row["trials"]
            )
            for row in own.head(NAMED).to_dict("records")
        ]
        if len(own) > NAMED:
            each.append(Markup("{} more").format(counted(len(own) - NAMED, "dataset")))
        rows.append([day, f"{own['trials'].sum():,}", Markup(", ").join(each)])
    show.table(["trained on", "trials", "of these on"], rows)


DAYS, NAMED = 5, 8
"""So many days are listed, and so many datasets of each are named."""
