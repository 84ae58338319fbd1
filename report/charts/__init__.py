"""The charts, one small function each: data frames in, a picture and the numbers behind it out.

They know no store and no page. Pictures are HTML and SVG that need no script: a script adds what one points at, the
table and the downloads. Colours and shapes come in as a mapping from model to `Style`, so that a model looks the same
everywhere. Scores are fractions; `chance` is one over the number of classes.
"""

from report.charts.confusion import confusion
from report.charts.curves import learning, reliability, risk_coverage, sample_efficiency
from report.charts.drawing import Chart, glyph
from report.charts.forest import HUES, arrows, differences
from report.charts.scores import Styles, Trials, boxes, by_model, by_preprocessing, means, recalls
from report.charts.trusting import beside_chance, claimed, gains, group_recalls

__all__ = [
    "HUES",
    "Chart",
    "Styles",
    "Trials",
    "arrows",
    "beside_chance",
    "boxes",
    "by_model",
    "by_preprocessing",
    "claimed",
    "confusion",
    "differences",
    "gains",
    "glyph",
    "group_recalls",
    "learning",
    "means",
    "recalls",
    "reliability",
    "risk_coverage",
    "sample_efficiency",
]
