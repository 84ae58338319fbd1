"""The top of a dataset's page: the answer, and the facts in one line."""

from report import estimates, findings, show
from report.data import Results, Section
from report.estimates import counted, percent, points, with_interval
from report.show import Markup
from report.transfer import Paired, baseline, chance

WORDS = {
    "better": Markup("That is better than"),
    "worse": Markup("That is worse than"),
    "equivalent": Markup("That is as good as"),
    "undecided": Markup("These data cannot tell it from"),
    "incomplete": Markup("Too few trials are done to tell it from"),
}


def answer(found: Results, section: Section) -> None:
    """Print what these data say of the dataset, in a few sentences that verdicts carry."""
    means = estimates.fold_means(found, section)
    best = estimates.highest(means, found.complete(section))
    if best is None:
        show.write(Markup("No model has all its trials yet, so none is named first."))
        return
    said = [
        Markup("The highest mean on images that were held back is that of **{}**: {} over {}.").format(
            best["model"], with_interval(best), counted(int(best["trials"]), "trial")
        )
    ]
    models = found.models(section)
    for reference in dict.fromkeys([baseline(models), _floor(found, section)]):
        against = reference and reference != best["model"] and _against(found, section, best["model"], reference)
        if against:
            said.append(against)
    show.write(Markup("::: {.answer}"), Markup(" ").join(said), Markup(":::"))


def _against(found: Results, section: Section, model: str, reference: str) -> Markup | None:
    finding = Paired.of(found, section).judged(findings.SMALL, model, reference)
    if finding is None:
        return None
    return Markup("{} **{}**, by {} points [{}, {}].").format(
        WORDS[finding.narrow],
        reference,
        points(finding.difference.mean),
        points(finding.difference.low),
        points(finding.difference.high),
    )


def _floor(found: Results, section: Section) -> str | None:
    means = estimates.fold_means(found, section)
    floors = means[means["model"].map(lambda m: found.model_card(m)["family"] == "Floor")]
    ordered = floors.sort_values("balanced_accuracy", ascending=False)["model"].tolist()
    return str(ordered[0]) if ordered else None


def facts(found: Results, section: Section) -> None:
    """Print images, classes, groups, chance, licence and the newest trial, in one line."""
    card = found.dataset_card(section.scheme)
    row = found.frame(
        "select count(distinct i.image_group) as groups, count(distinct i.image_id) as images from images i "
        "where i.dataset = $dataset and i.dataset_hash in "
        "(select dataset_hash from trials semi join (select trial_id from chosen_trials where scheme = $scheme) "
        "using (trial_id))",
        dataset=section.dataset,
        scheme=section.scheme,
    ).iloc[0]
    newest = found.frame(
        "select max(finished_at)::date::varchar as day from trials semi join chosen_trials using (trial_id) "
        "where dataset = $dataset",
        dataset=section.dataset,
    ).iloc[0]["day"]
    parts = [
        Markup("**{}**").format(counted(sum(card["at_hand"].values()), "image")),
        Markup("**{}** classes").format(len(card["classes"])),
    ]
    if 0 < row["groups"] < row["images"]:
        parts.append(Markup("**{:,}** groups that stay together").format(int(row["groups"])))
    parts.append(Markup("guessing scores **{}**").format(percent(chance(found, section))))
    if card.get("licence"):
        parts.append(Markup("licence: {}").format(show.prose(card["licence"].rstrip("."))))
    parts.append(Markup("recipe {}").format(show.code(section.title)))
    parts.append(Markup("newest trial {}").format(newest))
    show.write(Markup("::: {.facts}"), Markup(" · ").join(parts), Markup(":::"))
