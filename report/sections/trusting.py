"""A part of a dataset's page: several models together, new groups, and how probably claims of a lead are false."""

from collections.abc import Sequence

from report import charts, show
from report.data import Results
from report.estimates import points
from report.show import Html, Markup
from report.trust import claims, ensembles, spread
from report.trust.claims import Claimed

TOGETHER = {
    "better": "better than the best of them alone",
    "worse": "worse than the best of them alone",
    "equivalent": "as good as the best of them alone",
    "undecided": "these data cannot tell",
    "incomplete": "these data cannot tell",
}


def show_section(found: Results, dataset: str) -> None:
    """Print the part."""
    several = ensembles.of_dataset(found, dataset)
    if several:
        show.folded(Html("<strong>Several models together?</strong> {}").format(TOGETHER[several.word]))
        show.write(Markup("{} {}").format(several.sentence, "" if several.alone else voices(several)))
        show.unfolded()
    made = claims.of_dataset(found, dataset)
    if made:
        risky = sum(not c.stands for c in made)
        show.folded(
            Html("<strong>A claim of a lead?</strong> false with a probability above {:.0f}\u00a0% in {} of {}").format(
                claims.RISK * 100, risky, len(made)
            )
        )
        show.write(Markup("{}").format(counted(made)))
        table(sorted(made, key=lambda c: c.false))
        show.unfolded()
    groups = spread.of_dataset(found, dataset)
    if groups:
        _groups(groups)


def voices(e: ensembles.Ensemble) -> Markup:
    """Who was chosen, on all folds."""
    if len(e.voices) == 1:
        return Markup("On all folds {} alone was chosen.").format(show.code(e.voices[0][0]))
    named = [
        show.code(model) if times == 1 else Markup("{} ({} voices)").format(show.code(model), times)
        for model, times in e.voices
    ]
    return Markup("On all folds these were chosen: {}.").format(show.listed(named))


def counted(made: Sequence[Claimed]) -> str:
    """How often one would be wrong to claim what the means say, and how often our verdict differs."""
    risky = sum(not c.stands for c in made)
    differ = sum(bool(c.why) for c in made)
    start = (
        f"In {risky} of {len(made)} comparisons the claim that the model with the higher mean is better would be false "
        f"with a probability above {claims.RISK * 100:.0f} %, by the paired predictions"
    )
    return f"{start}; our verdicts are of another mind in {differ}." if differ else f"{start}; our verdicts agree."


def table(made: Sequence[Claimed], *, where: bool = False) -> None:
    """Print claims of a lead, a row each; with `where`, the dataset too."""
    rows = [
        [
            *([c.finding.section.dataset] if where else []),
            Markup("{} > {}").format(show.code(c.winner), show.code(c.loser)),
            points(abs(c.finding.difference.mean)),
            "< .001" if c.false < 0.001 else f"{c.false:.3f}".removeprefix("0"),
            of_the_claim(c),
            c.why,
        ]
        for c in made
    ]
    show.table(
        [*(["dataset"] if where else []), "claim", "lead", "false with probability", "our verdict", "why they differ"],
        rows,
    )
    show.write(
        Markup(
            "The probability that a claim is false (Christodoulou et al. 2025) comes from which images both models "
            "recognise out of fold, one of them, or none, class by class; images of a group count as one. It knows "
            "other images and not other training sets, no band of differences that count as none, and not how many "
            "comparisons were asked: our verdicts do."
        )
    )


def of_the_claim(c: Claimed) -> str:
    """Our verdict on the pair as the claim names it, which may be the other way round."""
    turned = {"better": "worse", "worse": "better"} if c.winner == c.finding.reference else {}
    return turned.get(c.finding.narrow, c.finding.narrow)


def _groups(s: spread.Spread) -> None:
    expected = {label: (e.mean, e.low, e.high) for label, e in s.expected.items()}
    show.folded(
        Html("<strong>A new group of images?</strong> what {} may be expected to recognise").format(s.model), "groups"
    )
    show.write(Markup("{}").format(s.sentence))
    show.chart(
        charts.group_recalls(s.dots, expected),
        f"groups-{s.section.slug}",
        Markup(
            "A dot a group (a donor, a slide, a paper: what stays together), as large as its images of the class are "
            "many, from three on; how often {} recognises them out of fold. Below, where nine in ten new groups are "
            "expected (a beta-binomial of all groups)."
        ).format(show.code(s.model)),
        f"Recall by group, {len(s.dots)} dots",
        title=Html("From group to group: what {} makes of each").format(s.model),
        by=spread.of_dataset,
    )
    show.unfolded()
