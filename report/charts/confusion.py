"""Which class is taken for which: a table of shares, and the commonest mistakes where classes are many."""

from collections.abc import Sequence

import pandas as pd

from report.charts.drawing import Chart, percent
from report.show.door import Html

MOST = 12
"""More classes than these make a table that nobody reads."""


def confusion(shares: pd.DataFrame, classes: Sequence[str], models: Sequence[str]) -> Chart:
    """One model's mistakes, out of fold; a menu chooses the model.

    Args:
        shares: model, label, predicted, share (of the label's images), images (mean number over repeats), low, high.
        classes: their order.
        models: the menu, the first one shown.
    """
    options = Html("").join(Html("<option>{}</option>").format(model) for model in models)
    menu = Html('<label class="menu">model <select data-menu="model">{}</select></label>').format(options)
    own = shares[shares["model"] == models[0]]
    drawn = _heat(own, classes) if len(classes) <= MOST else _list(own)
    kept = ["model", "label", "predicted", "share", "images", "low", "high"]
    numbers = shares[shares["share"] > 0][kept]
    return Chart(Html('<div class="confusion">{}{}</div>').format(menu, drawn), numbers)


def _heat(own: pd.DataFrame, classes: Sequence[str]) -> Html:
    share = {(row["label"], row["predicted"]): float(row["share"]) for row in own.to_dict("records")}
    head = Html("").join(Html('<th scope="col"><span>{}</span></th>').format(name) for name in classes)
    body = []
    for label in classes:
        cells = [
            Html('<td data-l="{}" data-p="{}" style="--v:{:.3f}"{}>{}</td>').format(
                row,
                column,
                share[label, other],
                Html(' class="right"') if row == column else Html(""),
                percent(share[label, other]),
            )
            for row, (label, column, other) in (
                (classes.index(label), (label, place, other)) for place, other in enumerate(classes)
            )
        ]
        body.append(Html('<tr><th scope="row">{}</th>{}</tr>').format(label, Html("").join(cells)))
    return Html(
        '<div class="table-box"><table class="heat" data-classes="{}"><thead><tr><td class="corner">true class ↓ taken '
        "for →</td>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(len(classes), head, Html("").join(body))


def _list(own: pd.DataFrame) -> Html:
    wrong = own[(own["label"] != own["predicted"]) & (own["images"] > 0)].nlargest(10, "images")
    items = [
        Html("<li><strong>{}</strong> taken for <strong>{}</strong>: {} of its images</li>").format(
            row["label"], row["predicted"], percent(row["share"])
        )
        for row in wrong.to_dict("records")
    ]
    return Html('<ol class="mistakes">{}</ol>').format(Html("").join(items))
