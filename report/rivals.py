"""Whether any model does better at another recipe than the one that a dataset's answer recommends, on the same splits.

A learning rate that suits one way of training may ruin another, so the best model of the main recipe need not be the
best that was trained.
"""

from report import findings, recipes
from report.comparisons import compared
from report.data import Results, Section
from report.findings import Finding
from report.questions import Question

QUESTION = Question("rival", "Does any model do better at another recipe?")


def ahead(results: Results, section: Section, model: str) -> Finding | None:
    """The model that is furthest ahead of this one at another recipe, if the interval of its lead holds no zero.

    Every finished model at every recipe that was split alike is asked, and all are judged together, so that a lead
    which one of many would show by luck is not called *better*.
    """
    steps = [s for s in results.variants(section) if s != section and s.fraction == section.fraction]
    others = [s for s in recipes.others(results, section.dataset) if s.scheme == section.scheme]
    asked = [
        compared(results, QUESTION, (other, name), (section, model))
        for other in dict.fromkeys([*others, *steps])
        for name in results.complete(other)
    ]
    found = findings.judged(comparison for comparison in asked if comparison and comparison.complete)
    leading = [f for f in found if f.difference.low > 0 and not f.difference.degenerate and f.narrow != "equivalent"]
    return max(leading, key=lambda finding: finding.difference.mean, default=None)
