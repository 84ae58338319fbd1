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
from report.statistics.voting import Vote, vote

__all__ = [
    "FEWEST_UNITS",
    "ROUNDING",
    "SIGNIFICANT",
    "BootstrapInterval",
    "Calibration",
    "Equivalence",
    "Floats",
    "RecallInterval",
    "ResampledT",
    "RopeProbabilities",
    "Verdict",
    "Vote",
    "balanced_accuracy",
    "balanced_accuracy_interval",
    "bayesian_correlated_t",
    "bootstrap_balanced_accuracy",
    "calibration",
    "corrected_resampled_t",
    "equivalence",
    "holm",
    "jeffreys",
    "paired_bootstrap",
    "paired_recalls",
    "smallest_detectable_difference",
    "verdict",
    "vote",
]
