"""Parts of the page of conclusions: what was claimed, votes, the hardest dataset, and what papers report."""

from collections import Counter

from report import estimates, recipes, show, voting
from report.claims import difficulty, everything
from report.claims.overall import above_chance
from report.data import Results
from report.estimates import counted, interval, p_value, percent, points, with_interval
from report.questions import VOTING, VOTING_LOWER
from report.show import Html, Markup

SHOWN = 1
"""So many figures stand beside a claim; the download has them all."""
STUDY = "IQT Labs 2020, Part II"
"""Where the study that is reproduced here is published, as the list of claims writes it."""
MOST = 40
"""So many votes and datasets a table holds; the download has them all."""


def claims(found: Results) -> None:
    """Print every claim with the store's verdict and the figures behind it."""
    judged = everything(found)
    counts = Counter(judgement.word for judgement in judged if judgement.word != "not run")
    words = [Markup("**{}** {}").format(count, word) for word, count in counts.items()]
    if counts:
        show.heading(2, Markup("What was claimed"), "claims")
        show.write(
            Markup(
                "What the study that is reproduced here says, and two claims of today: {}. Each is judged by its own "
                "comparisons on real images, p-values adjusted by Holm for their number. "
                "[All figures](/assets/findings.json), [all comparisons](/assets/findings.csv)."
            ).format(show.listed(words))
        )
    rows: dict[bool, list[list[object]]] = {False: [], True: []}
    for judgement in judged:
        ranked = judgement.ranked
        figures = [Markup("{}: {}, {}").format(e.dataset, e.what, e.figure) for e in ranked[:SHOWN]]
        if len(ranked) > SHOWN:
            figures.append(Markup("and {} more").format(len(ranked) - SHOWN))
        if judgement.why:
            figures.append(Markup("{}").format(judgement.why))
        # Nearly all are the study's, and the line above says so.
        where = "" if judgement.claim.where == STUDY else f" ({judgement.claim.where})"
        row: list[object] = [f"{judgement.claim.said}{where}", judgement.word, Markup("; ").join(figures)]
        rows[judgement.word == "not run"].append(row)
    headers = ["claim", "here", "by"]
    if rows[False]:
        show.table(headers, rows[False])
    if rows[True] and counts:  # what is known comes first
        show.folded(
            Html("{} of which nothing was run here, and why").format(counted(len(rows[True]), "more claim")), "unjudged"
        )
    elif rows[True]:  # a site of somebody's own images has this line alone
        line = Html("{} of the study that is reproduced here, and of today: nothing here can judge them")
        show.folded(line.format(counted(len(rows[True]), "claim")), "claims")
    if rows[True]:
        show.table(headers, rows[True])
        show.unfolded()


def votes(found: Results) -> None:
    """Print what voting adds, by the majority and by the mean probability, and whether lower layers gain the most."""
    gains = voting.everywhere(found)
    for question in (VOTING, VOTING_LOWER):
        show.write(Markup("## {}").format(question.text))
        rows = [
            [
                f"{gain.section.dataset} {gain.section.title}",
                gain.what,
                f"{points(gain.gain.estimate)} {interval(gain.gain.low, gain.gain.high, signed=True)}",
                p_value(gain.p),
                p_value(gain.holm),
                gain.asked,
                gain.repeats,
                gain.narrow,
                gain.wide,
            ]
            for gain in gains
            if gain.question is question
        ]
        if not rows:
            show.write(Markup("A vote takes three repeats, and no such cell in this store has them yet."))
            continue
        words = Counter(gain.narrow for gain in gains if gain.question is question)
        said = [Html("<strong>{}</strong> in {}").format(word, count) for word, count in words.most_common()]
        few = rows[:MOST]
        show.folded(
            Html("{} of {}: a table{}").format(
                Html(", ").join(said),
                estimates.counted(len(rows), "vote"),
                f", the first {len(few)}" if len(few) < len(rows) else "",
            )
        )
        headers = ["where", "vote", "gain [95 %]", "p", "Holm", "asked", "repeats", "at ±1", "at ±5"]
        show.table(headers, few)
        if len(few) < len(rows):
            show.write(Markup("[All of them](/assets/findings.csv) are rows of one table."))
        show.unfolded()
    show.write(
        Markup(
            "Out of fold: each image is asked once in every repeat. The gain is the balanced accuracy of the repeats' "
            "vote less that of a single repeat, in points, with a bootstrap 95 % interval over the images or their "
            "groups; verdicts as above."
        )
    )


def hardest(found: Results) -> None:
    """Print the datasets by how far models come above chance, beside how hard people find them."""
    hard = difficulty()
    show.write(Markup("## Which dataset is hardest, and is it what people find hard?"))
    rows = []
    for name in found.datasets:
        best = above_chance(found, recipes.main(found, name))
        if best is not None:
            score, low, high, model = best
            rows.append(
                (score, [name, show.code(model), f"{percent(score)} {interval(low, high)}", hard.get(name, "–")])
            )
    if not rows:
        show.write(Markup("No model has all its trials on any dataset yet."))
        return
    headers, ranked = ["dataset", "highest mean", "above chance [95 %]", "for a person (1 easy, 4 hard)"], _sorted(rows)
    show.folded(Html("{} as a table, the hardest first").format(counted(len(ranked), "dataset")))
    show.table(headers, ranked)
    show.write(
        Markup(
            "Above chance: the share of the way from guessing to 100 %. Where two intervals overlap, nothing is said "
            "of which dataset is harder. How hard it is for a person is read from the words of its card."
        )
    )
    show.unfolded()


def papers(found: Results) -> None:
    """Print what papers report on such images, beside the highest mean here."""
    show.write(Markup("## Do so few images do as well as the papers' many?"))
    rows = []
    for name in found.datasets:
        section = recipes.main(found, name)
        best = estimates.highest(estimates.fold_means(found, section), found.complete(section))
        for paper in found.dataset_card(section.scheme).get("literature", []):
            here = "–" if best is None else f"{best['model']}, {with_interval(best)}, {best['trials']} splits"
            cited = [show.prose(paper[key]) for key in ("model", "metric", "protocol", "reference")]
            rows.append([name, here, percent(paper["score"]), *cited])
    if not rows:
        show.write(Markup("No card of a dataset in this store names a paper."))
        return
    show.folded(Html("{} beside the highest means here").format(counted(len(rows), "paper")))
    headers = ["dataset", "highest mean here [95 %]", "paper", "its model", "of", "how", "where"]
    show.table(headers, rows)
    show.write(Markup("Other splits and often another measure: a paper's figure and ours are neighbours, not twins."))
    show.unfolded()


def _sorted(rows: list[tuple[float, list[object]]]) -> list[list[object]]:
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]
