"""Two-sample tests by a classifier: the area it reaches, and trees on the statistics."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

FOLDS = 5


@dataclass(frozen=True)
class TwoSample:
    """Area under the ROC curve on realisations that the classifier was not trained on.

    0.5 is indistinguishable; below 0.5 is chance too.

    Args:
        auc: Area under the curve.
        standard_error: DeLong's, of the held-out realisations.
        n: Realisations of each class, for training and testing together.
        scored: Realisations of each class that the area is of.
    """

    auc: float
    standard_error: float
    n: int
    scored: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the area."""
        half = 1.96 * self.standard_error
        return max(0.0, self.auc - half), min(1.0, self.auc + half)


def auc(measured: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve of two samples of scores and its standard error.

    Args:
        measured: Scores of the first class.
        generated: Scores of the second, higher if told apart.

    References:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988.
    """
    n, m = len(measured), len(generated)
    ranks = rankdata(np.concatenate([measured, generated]))
    above = (ranks[n:] - rankdata(generated)) / n
    below = 1 - (ranks[:n] - rankdata(measured)) / m
    error = np.sqrt(np.var(above, ddof=1) / m + np.var(below, ddof=1) / n)
    return float(above.mean()), float(error)


def samples_needed(test: TwoSample, power: float = 0.8, level: float = 0.05) -> tuple[int, bool]:
    """Realisations of each set from which a trained classifier tells the sets apart.

    That is, with which a one-sided rank test of its scores at ``level`` finds the difference with
    the probability ``power``. Where the area does not differ from chance, the number for the
    upper end of its interval is given, and more are needed than that.

    Args:
        test: What the classifier reached.
        power: Probability of finding the difference.
        level: Probability of a false alarm.

    Returns:
        The number, at least 2, and whether it is only a lower bound.
    """
    bound = test.interval[0] <= 0.5
    lead = max((test.interval[1] if bound else test.auc) - 0.5, 1e-4)
    chance = (1 / 6) ** 0.5  # standard error of the area between equal sets, times the root of n
    spread = test.standard_error * test.scored**0.5
    root = (norm.isf(level) * chance + norm.ppf(power) * spread) / lead
    return max(2, int(np.ceil(root**2))), bound


def statistics_test(
    measured: Float[np.ndarray, "n k"],
    generated: Float[np.ndarray, "m k"],
    seed: int = 0,
    folds: int = FOLDS,
) -> TwoSample:
    """Gradient-boosted trees on the statistics, each fold scored by trees that never saw it.

    Args:
        measured: One row a realisation; NaN where a statistic is not defined.
        generated: The same columns.
        seed: Seed of the draw to equal sizes, of the folds and of the trees.
        folds: Folds of the cross-fit.
    """
    rng = np.random.default_rng(seed)
    n = min(len(measured), len(generated))
    x = np.concatenate([v[rng.permutation(len(v))[:n]] for v in (measured, generated)])
    x[~np.isfinite(x)] = np.nan
    y = np.repeat([0, 1], n)
    parts = []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        trees = HistGradientBoostingClassifier(
            learning_rate=0.08,
            max_iter=200,
            max_leaf_nodes=15,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=True,  # pyright: ignore[reportArgumentType]
            n_iter_no_change=15,
            random_state=seed,
        ).fit(x[train], y[train])
        score = trees.decision_function(x[test])
        parts.append(auc(score[y[test] == 0], score[y[test] == 1]))
    areas, errors = np.array(parts).T
    return TwoSample(float(areas.mean()), float(np.sqrt((errors**2).sum()) / folds), n, n)
