"""A part of a dataset's page: how many training images are enough, where the store has recipes with shares of them."""

from collections.abc import Sequence

import pandas as pd

from report import charts, estimates, findings, recipes, show
from report.comparisons import compared
from report.data import Results, Section
from report.estimates import counted, signed
from report.findings import Finding
from report.questions import PRETRAINING, SMALL, Question, pairs
from report.sections import unfinished
from report.show import Html, Markup
from report.trust import growing

QUESTION = Question("fewer", "How many images are enough?")
WORDS = {
    "better": "is better than",
    "equivalent": "is as good as",
    "undecided": "cannot be told from",
    "worse": "is worse than",
    "incomplete": "still has too few splits beside",
}


def curves(found: Results, section: Section) -> pd.DataFrame:
    """Each model's mean test score at each share of the training images, fewest first.

    Columns: model, share, images (mean over the splits), balanced_accuracy, low, high, trials.
    """
    rows = []
    for each in _shares(found, section):
        scores = found.of(found.scores, each)
        images = scores.groupby("model")["train_images"].mean().rename("images")
        rows.append(estimates.fold_means(found, each).assign(share=each.fraction).join(images, on="model"))
    return pd.concat(rows, ignore_index=True)


def against_all(found: Results, section: Section) -> list[Finding]:
    """Pre-trained models on fewer images against models from scratch on most: for each pair the smallest share at which
    the first is better; else the smallest at which it is not worse; else the largest.
    """
    *fewer, most = _shares(found, section)
    asked = [pair[1:] for pair in pairs(found.models(section)) if pair[0] in (PRETRAINING, SMALL)]
    made = [compared(found, QUESTION, (share, m), (most, r)) for m, r in asked for share in fewer]
    family = findings.judged(c for c in made if c)
    chosen = []
    for model, reference in asked:
        each = [f for f in family if (f.model, f.reference) == (model, reference)]
        best = [f for f in each if f.narrow == "better"] or [f for f in each if f.narrow != "worse"] or each[::-1]
        chosen += best[:1]
    return chosen


def last_step(found: Results, section: Section) -> list[Finding]:
    """What each model gains from the last step, from the largest share but one to the largest."""
    *_, fewer, most = _shares(found, section)
    made = [compared(found, QUESTION, (most, model), (fewer, model)) for model in found.models(most)]
    return findings.judged(c for c in made if c)


def show_section(found: Results, section: Section) -> None:
    """Print the part, if there is more than one share."""
    shares = _shares(found, section)
    if len(shares) < 2:
        return
    means = curves(found, section)
    models = [model for model in found.models(section) if (means["model"] == model).sum() > 1]
    means = means[means["model"].isin(models)]
    images = means.groupby("share")["images"].mean().round().astype(int).to_dict()
    show.heading(3, Markup("How many images are enough?"), f"sec-fewer-{section.slug}")
    said = [
        Markup("- On {:,} images, **{}** {} **{}** on {}{:,}: {} points.").format(
            images[f.section.fraction],
            f.model,
            WORDS[f.narrow],
            f.reference,
            "all " if section.fraction == 1 else "",
            images[section.fraction],
            signed(f.difference),
        )
        for f in against_all(found, section)
    ]
    made, gains = beyond(found, section), last_step(found, section)
    if made:
        show.write(Markup("\n").join(Markup("- {}{}.").format(m.sentence[0].upper(), m.sentence[1:]) for m in made))
    show.folded(
        Html("The scores of {} on {} to {} training images, and pair by pair").format(
            counted(len(models), "model"), *(f"{images[share.fraction]:,}" for share in (shares[0], shares[-1]))
        )
    )
    names = unfinished.labels(found, shares)
    show.chart(
        charts.sample_efficiency(
            names.on(means),
            names.of(models),
            names.styles,
            1 / len(found.dataset_card(section.scheme)["classes"]),
        ),
        f"fewer-{section.slug}",
        Markup(
            "Mean balanced accuracy on the test folds with its 95 % interval, over the number of training images of a "
            "trial. A smaller share is part of every larger one, and tests stay the same; so do epochs, so that fewer "
            "images also mean fewer steps of training."
        ),
        f"Scores of {len(models)} models over {len(shares)} numbers of training images",
        by=curves,
    )
    if said:
        show.write(Markup("\n").join(said))
    if gains:
        before, after = (images[share.fraction] for share in shares[-2:])
        show.write(
            Markup("Would more images still help? The last step, from {:,} to {:,} of them, has gained:").format(
                before, after
            )
        )
        show.table(
            ["model", "gain [95 %]", "at ±1", "at ±5"],
            [[show.code(f.model), signed(f.difference), f.narrow, f.wide] for f in gains],
        )
        show.write(
            Markup("*Better* says that the larger number is better, *equivalent* that the smaller one was enough.")
        )
    if made:
        show.write(
            Markup(
                "What images beyond these would add no trial here has seen: it is foretold by inverse power laws "
                "through these scores. {}"
            ).format(foretold(made))
        )
    show.unfolded()


def beyond(found: Results, section: Section) -> Sequence[growing.More]:
    """What images beyond these would add, by the curves; nothing at a recipe that is not the main one."""
    return growing.of_dataset(found, section.dataset) if section == recipes.main(found, section.dataset) else ()


def foretold(made: Sequence[growing.More]) -> Markup:
    """How the same curves did backwards."""
    tried = [m for m in made if m.held is not None]
    held = sum(bool(m.held) for m in tried)
    tested = Markup(" With the largest share hidden, the others foretold what it then gained in {} of {}.").format(
        held, counted(len(tried), "case")
    )
    return Markup("The interval holds the truth in nine of ten simulated cases.{}").format(
        tested if tried else Markup("")
    )


def _shares(found: Results, section: Section) -> list[Section]:
    fewer = [s for s in found.variants(section) if s.steps == section.steps and s.fraction != section.fraction]
    return sorted([*fewer, section], key=lambda s: s.fraction)
