"""The page about new images: what a model says of them, how far that can be trusted, and what speaks for it.

One file that shows in any browser, from a disk as well: pictures and styles stand in it. Names come from outside.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from report import show
from report.show import Html

STYLE = Html("""
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--soft:#5b6675;--line:#d8dee6;--good:#0b6b50;--look:#8a4b00}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--paper:#14181f;--soft:#9aa6b5;--line:#323a46;--good:#5fd0ab;
--look:#f0b060}}
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}
h1,h2,h3{line-height:1.2;overflow-wrap:anywhere}h3{color:var(--soft);font-size:1rem;margin:1rem 0 .4rem}
table{border-collapse:collapse}td,th{border-bottom:1px solid var(--line);padding:.25rem .8rem .25rem 0;text-align:left;
vertical-align:top;overflow-wrap:anywhere}td.n,th.n{text-align:right}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.8rem}
figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:.5rem;min-width:0}
figure img{width:100%;display:block;image-rendering:auto}figcaption{font-size:.85rem;overflow-wrap:anywhere}
.near{display:grid;grid-template-columns:repeat(3,1fr);gap:.3rem;margin-top:.3rem;font-size:.75rem;color:var(--soft)}
.trust{color:var(--good);font-weight:600}.inspect{color:var(--look);font-weight:600}.soft{color:var(--soft)}
""")
WORDS = {"trust": Html("trust"), "inspect": Html("inspect")}


@dataclass(frozen=True)
class Near:
    """A training image near a new one; `picture` is a JPEG, or None where its file is not at hand."""

    name: str
    label: str
    picture: bytes | None


@dataclass(frozen=True)
class Shown:
    """A new image with its answer; `picture` and `heat` are JPEGs, the second with what Grad-CAM marks, if anything."""

    name: str
    status: str
    label: str
    probability: float
    agreement: float
    warnings: Sequence[str]
    picture: bytes | None
    heat: bytes | None = None
    near: Sequence[Near] = ()


@dataclass(frozen=True)
class Class:
    """A class with how many answers name it, and of these the surest and the least sure."""

    name: str
    trusted: int
    inspected: int
    surest: Sequence[Shown]
    least: Sequence[Shown]


def page(title: str, sentences: Sequence[str], classes: Sequence[Class], unreadable: Mapping[str, str]) -> str:
    """The page as HTML.

    Args:
        title: dataset and model.
        sentences: what was asked, and what is trusted.
        classes: those that answers name, with pictures.
        unreadable: why files could not be read, by their names.
    """
    rows = [
        Html('<tr><td>{}</td><td class="n">{}</td><td class="n">{}</td></tr>').format(c.name, c.trusted, c.inspected)
        for c in classes
    ]
    parts = [
        Html("<h1>{}</h1>").format(title),
        *(Html("<p>{}</p>").format(sentence) for sentence in sentences),
        Html('<table><tr><th>class</th><th class="n">to trust</th><th class="n">to inspect</th></tr>{}</table>').format(
            Html("").join(rows)
        ),
        *(_class(each) for each in classes),
    ]
    if unreadable:
        listed = [Html("<tr><td>{}</td><td>{}</td></tr>").format(name, why) for name, why in unreadable.items()]
        parts.append(Html("<h2>Cannot be read</h2><table>{}</table>").format(Html("").join(listed)))
    return show.written(
        Html(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
            "<title>{}</title><style>{}</style></head><body>{}</body></html>\n"
        ).format(title, STYLE, Html("\n").join(parts))
    )


def _class(each: Class) -> Html:
    parts = [Html("<h2>{}</h2>").format(each.name)]
    for said, images in ((Html("The surest"), each.surest), (Html("The least sure"), each.least)):
        if images:
            cards = Html("").join([_card(image) for image in images])
            parts.append(Html('<h3>{}</h3><div class="cards">{}</div>').format(said, cards))
    return Html("").join(parts)


def _card(image: Shown) -> Html:
    pictures = [_picture(each, image.name) for each in (image.picture, image.heat) if each is not None]
    status = WORDS[image.status]
    warnings = [Html('<br><span class="inspect">{}</span>').format(warning) for warning in image.warnings]
    near = [
        Html("<div>{}{}<br>{}</div>").format(_picture(each.picture, each.name), each.label, each.name)
        if each.picture is not None
        else Html("<div>{}<br>{}</div>").format(each.label, each.name)
        for each in image.near
    ]
    return Html(
        '<figure>{}<figcaption><span class="{}">{}</span> {}, {} % sure, {} % of the trials{}<br>'
        '<span class="soft">{}</span>{}</figcaption></figure>'
    ).format(
        Html("").join(pictures),
        status,
        status,
        image.label,
        round(100 * image.probability),
        round(100 * image.agreement),
        Html("").join(warnings),
        image.name,
        Html('<div class="near">{}</div>').format(Html("").join(near)) if near else Html(""),
    )


def _picture(jpeg: bytes, name: str) -> Html:
    return Html('<img src="data:image/jpeg;base64,{}" alt="{}">').format(b64encode(jpeg).decode("ascii"), name)
