"""What two reporting guidelines ask, in this project's words, and which of its sentences answers.

CLAIM, the checklist for artificial intelligence in medical imaging (Tejani et al. 2024, doi:10.1148/ryai.240300), and
TRIPOD+AI, for prediction models (Collins et al. 2024, doi:10.1136/bmj-2023-078378). What no store can know is the
author's to say; the guidelines themselves say what belongs there.
"""

from collections.abc import Mapping
from typing import LiteralString, NamedTuple


class Item(NamedTuple):
    """One item: its number, what it asks, and the key of the sentence that answers; None where the author has to."""

    number: LiteralString
    asked: LiteralString
    key: LiteralString | None = None


YOURS = "yours to say"

CLAIM = (
    Item("1", "the title names the method as artificial intelligence"),
    Item("2", "a structured summary"),
    Item("3", "background, and the role that the method is to have"),
    Item("4", "aims and hypotheses"),
    Item("5", "prospective or retrospective"),
    Item("6", "the goal of the study"),
    Item("7", "sources of the data", "source"),
    Item("8", "who and what was included and excluded"),
    Item("9", "preprocessing of the data", "preprocessing"),
    Item("10", "subsets of the data that were selected", "images"),
    Item("11", "de-identification"),
    Item("12", "missing data"),
    Item("13", "how images were acquired"),
    Item("14", "what the reference standard is"),
    Item("15", "why that one"),
    Item("16", "who annotated, and how"),
    Item("17", "annotation of the test set"),
    Item("18", "how far annotators agree"),
    Item("19", "how data were assigned to partitions", "partitions"),
    Item("20", "at which level partitions are disjoint", "disjoint"),
    Item("21", "the size of the test data, and why", "images"),
    Item("22", "the model in detail", "model"),
    Item("23", "software", "software"),
    Item("24", "how parameters were initialised", "weights"),
    Item("25", "training in detail", "training"),
    Item("26", "how the final model was selected", "selection"),
    Item("27", "ensembles", "ensemble"),
    Item("28", "metrics", "metrics"),
    Item("29", "significance and uncertainty", "uncertainty"),
    Item("30", "robustness"),
    Item("31", "explanation of answers"),
    Item("32", "evaluation on internal data", "internal"),
    Item("33", "evaluation on external data"),
    Item("34", "registration of a trial"),
    Item("35", "flow of participants or images", "images"),
    Item("36", "demographic and clinical characteristics"),
    Item("37", "performance on the test data", "performance"),
    Item("38", "estimates and their precision, beside other models", "comparison"),
    Item("39", "failures", "failures"),
    Item("40", "limitations", "limits"),
    Item("41", "what it means for practice"),
    Item("42", "the full protocol", "protocol"),
    Item("43", "software and data for others", "software"),
    Item("44", "funding"),
)

TRIPOD = (
    Item("1", "the title says that a model is developed or evaluated"),
    Item("2", "an abstract by TRIPOD+AI"),
    Item("3a–c", "the context, the audience, known inequalities"),
    Item("4", "objectives"),
    Item("5a", "sources of the data", "source"),
    Item("5b", "dates of the data"),
    Item("6a–c", "setting, eligibility, treatments"),
    Item("7", "preparation of the data", "preprocessing"),
    Item("8a–c", "the outcome, its assessors, their blinding"),
    Item("9a–c", "predictors", "predictors"),
    Item("10", "sample size", "images"),
    Item("11", "missing data"),
    Item("12a", "use of the data in development and evaluation", "partitions"),
    Item("12b", "handling of predictors", "preprocessing"),
    Item("12c", "type of model and how it was built", "training"),
    Item("12d", "heterogeneity between clusters", "disjoint"),
    Item("12e", "measures of performance", "metrics"),
    Item("12f", "model updating"),
    Item("12g", "how predictions are calculated", "ensemble"),
    Item("13", "class imbalance", "imbalance"),
    Item("14", "fairness"),
    Item("15", "output of the model", "output"),
    Item("16", "differences between development and evaluation data", "internal"),
    Item("17", "ethical approval"),
    Item("18a–b", "funding and conflicts of interest"),
    Item("18c–d", "protocol and registration", "protocol"),
    Item("18e", "data for others", "source"),
    Item("18f", "code for others", "software"),
    Item("19", "involvement of patients and public"),
    Item("20a–c", "participants", "images"),
    Item("21", "numbers in each analysis", "images"),
    Item("22", "the model in full", "model"),
    Item("23a", "performance with intervals", "performance"),
    Item("23b", "heterogeneity of performance", "failures"),
    Item("24", "results of updating"),
    Item("25", "interpretation"),
    Item("26", "limitations", "limits"),
    Item("27a–c", "usability in practice"),
)


def table(items: tuple[Item, ...], sentences: Mapping[str, str]) -> str:
    """A checklist as a Markdown table: number, what is asked, what the store says, or that it is yours to say."""
    rows = [f"| {item.number} | {item.asked} | {_said(item, sentences)} |" for item in items]
    return "\n".join(["| item | asked | here |", "|:-----|:----------------|:-------------------------------|", *rows])


def _said(item: Item, sentences: Mapping[str, str]) -> str:
    return sentences.get(item.key, YOURS) if item.key else YOURS
