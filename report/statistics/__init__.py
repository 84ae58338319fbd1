"""The statistics behind every claim of the report: pure functions on arrays, no files, no tables.

Scores and their differences are fractions (0.05 is five points). A difference is *model − reference*: positive means
that the model is better.

Scores of repeated cross-validation are not independent, since training sets overlap: `corrected_resampled_t` and
`bayesian_correlated_t` widen the variance by n_test / n_train. Twenty scores on one holdout know nothing of other
images; for a holdout there are `balanced_accuracy_interval`, `paired_bootstrap` and `jeffreys`.
"""

from report.statistics.bootstrap import (
    BootstrapInterval,
    bootstrap_balanced_accuracy,
    paired_bootstrap,
    paired_recalls,
)
from report.statistics.calibration import Calibration, calibration
from report.statistics.common import ROUNDING, Floats
from report.statistics.detecting import SIGNIFICANT, Equivalence, equivalence, smallest_detectable_difference
from report.statistics.false_claims import false_claim
from report.statistics.greedy import chosen_together, together
from report.statistics.growth import Growth, GrowthWord, growth
from report.statistics.permuted import Null, against_chance, one_class_groups, permuted_labels
from report.statistics.proportions import balanced_accuracy, holm, jeffreys
from report.statistics.recalls import FEWEST_UNITS, RecallInterval, balanced_accuracy_interval
from report.statistics.resampled import (
    ResampledT,
    RopeProbabilities,
    Verdict,
    bayesian_correlated_t,
    corrected_resampled_t,
    verdict,
)
from report.statistics.selective import (
    Span,
    crossfitted,
    drawn_weights,
    no_narrower,
    risks,
    span,
    tempered_out_of_fold,
    weighted_share,
)
from report.statistics.spreading import GroupSpread, group_spread
from report.statistics.suspects import Doubt, doubted
from report.statistics.voting import Vote, vote

__all__ = [
    "FEWEST_UNITS",
    "ROUNDING",
    "SIGNIFICANT",
    "BootstrapInterval",
    "Calibration",
    "Doubt",
    "Equivalence",
    "Floats",
    "GroupSpread",
    "Growth",
    "GrowthWord",
    "Null",
    "RecallInterval",
    "ResampledT",
    "RopeProbabilities",
    "Span",
    "Verdict",
    "Vote",
    "against_chance",
    "balanced_accuracy",
    "balanced_accuracy_interval",
    "bayesian_correlated_t",
    "bootstrap_balanced_accuracy",
    "calibration",
    "chosen_together",
    "corrected_resampled_t",
    "crossfitted",
    "doubted",
    "drawn_weights",
    "equivalence",
    "false_claim",
    "group_spread",
    "growth",
    "holm",
    "jeffreys",
    "no_narrower",
    "one_class_groups",
    "paired_bootstrap",
    "paired_recalls",
    "permuted_labels",
    "risks",
    "smallest_detectable_difference",
    "span",
    "tempered_out_of_fold",
    "together",
    "verdict",
    "vote",
    "weighted_share",
]
