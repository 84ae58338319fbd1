"""A part of a dataset's page: what its images are, how many of each class, and what is known against them."""

import re

from report import show
from report.cards import DatasetCard
from report.data import Results, Section
from report.estimates import counted
from report.show import Html, Markup

_SKIPPED = r"`[^`]*`|\[[^\]]*\]\([^)]*\)|<https?://[^>]*>"
_DOI = r"(?:doi:\s*)?(10\.\d{4,9}/[^\s\[\]()<>,;*`\"]+[\w/])"
_PREPRINT = r"arXiv:(\d{4}\.\d{4,5})"
_ADDRESS = r"(?:https?://)?(?:[\w-]+\.)+(?:org|com|edu|gov|net|io|de|uk)\b(?:/[\w./~%-]*[\w/])?"
_LINKS = re.compile(rf"{_SKIPPED}|(?<![\w/.@]){_DOI}|{_PREPRINT}|(?<![\w/.@]){_ADDRESS}", re.IGNORECASE)


def show_section(found: Results, section: Section) -> None:
    """Print the part."""
    card = found.dataset_card(section.scheme)
    show.heading(2, Markup("What these images are"), "images")
    if card.get("difficulty"):
        show.write(Markup("**How hard is it for a person?** {}").format(show.prose(card["difficulty"])))
    _samples(found, section.dataset, card)
    counts(found, section)
    _known(card)


def _known(card: DatasetCard) -> None:
    """Print what is known of the images and where they are from, a click away; their licence stands in the facts."""
    notes = card.get("notes", [])
    facts = [
        Markup("**{}.** {}").format(label, show.prose(linked(words)))
        for label, words in (("Source", card.get("source")), ("Citation", card.get("citation")))
        if words
    ]
    if not notes and not facts:
        return
    said = [*([counted(len(notes), "note")] if notes else []), *(["where they are from"] if facts else [])]
    show.folded(Html("What to know about them: {}").format(", and ".join(said)))
    if notes:
        show.write(Markup("\n").join(Markup("- {}").format(show.prose(note)) for note in notes))
    show.write(*facts)
    show.unfolded()


def linked(words: str) -> str:
    """A card's sentence in which bare DOIs and addresses are links; what is a link or code already stays as it is."""

    def link(found: re.Match[str]) -> str:
        if found[0][0] in "`[<":
            return found[0]
        if found[1]:
            return f"[{found[0]}](<https://doi.org/{found[1]}>)"
        if found[2]:
            return f"[{found[0]}](<https://arxiv.org/abs/{found[2]}>)"
        return f"[{found[0]}](<{found[0] if '://' in found[0] else f'https://{found[0]}'}>)"

    return _LINKS.sub(link, words)


def held(found: Results, section: Section) -> dict[str, int]:
    """How many images of each class are held out."""
    frame = found.frame(
        "select label, count(distinct image_id) as images from predictions "
        "semi join (select trial_id from chosen_trials where scheme = $scheme) using (trial_id) "
        "where subset = 'holdout' group by label",
        scheme=section.scheme,
    )
    return {str(row["label"]): int(row["images"]) for row in frame.to_dict("records")}


def counts(found: Results, section: Section) -> None:
    """Print the images of each class as bars, the held-out ones darker."""
    card = found.dataset_card(section.scheme)
    out = held(found, section)
    most = max(card["at_hand"].values())
    rows = [
        Html(
            '<div class="count"><span class="name">{}</span><span class="track">'
            '<span class="all" style="width:{:.1f}%"><span class="out" style="width:{:.1f}%"></span></span></span>'
            '<span class="number">{:,} '
            "<small>{:,} held out</small></span></div>"
        ).format(
            name,
            100 * card["at_hand"][name] / most,
            100 * out.get(name, 0) / max(card["at_hand"][name], 1),
            card["at_hand"][name],
            out.get(name, 0),
        )
        for name in card["classes"]
    ]
    show.raw(
        Html('<div class="counts" role="group" aria-label="Images of each class">{}</div>').format(Html("").join(rows))
    )


def _samples(found: Results, name: str, card: DatasetCard) -> None:
    frame = found.frame(
        "select label, thumbnail from images where dataset = $dataset and thumbnail is not null "
        "and dataset_hash in (select dataset_hash from trials semi join chosen_trials using (trial_id)) "
        "order by image_id",
        dataset=name,
    )
    if frame.empty:
        show.write(
            Markup("::: {.note}"),
            Markup("Pictures are not shown here: the card has no `show_images = true`."),
            Markup(":::"),
        )
        return
    rows = []
    for label in card["classes"]:
        pictures = [
            show.picture(bytes(t), f"class {label}", "jpeg") for t in frame[frame["label"] == label]["thumbnail"]
        ]
        row = Html('<div class="sample-class"><span>{}</span><div>{}</div></div>')
        rows.append(row.format(label, Html("").join(pictures)))
    show.figure(
        Html('<div class="samples">{}</div>').format(Html("").join(rows)),
        "samples",
        Markup("The first images of each class."),
    )
