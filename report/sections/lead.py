"""Below the answer on a dataset's page: the facts in one line."""

from report import show
from report.data import Results, Section
from report.estimates import counted, percent
from report.sections.images import linked
from report.show import Markup
from report.transfer import chance


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
        parts.append(Markup("licence: {}").format(show.prose(linked(card["licence"].rstrip(".")))))
    parts.append(Markup("recipe {}").format(show.code(section.title)))
    parts.append(Markup("newest trial {}").format(newest))
    show.write(Markup("::: {.facts}"), Markup(" · ").join(parts), Markup(":::"))
