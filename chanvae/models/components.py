"""The components of a complex Gaussian mixture, by cplx-gmm."""

import warnings

import numpy as np


def components(
    x: np.ndarray, count: int, full: bool, zero_mean: bool, seed: int, least: float = 1e-6
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a mixture by expectation maximisation.

    Args:
        x: Complex ``[n, bins]``.
        count: Components.
        full: Full covariances; else diagonal ones.
        zero_mean: All means are zero.
        seed: Of the start.
        least: Added to every variance.

    Returns:
        Weights ``[count]``, means ``[count, bins]`` and covariances ``[count, bins]`` or
        ``[count, bins, bins]``.

    Raises:
        ModuleNotFoundError: cplx-gmm is not installed.
    """
    from cplx_gmm import GaussianMixtureCplx
    from sklearn.exceptions import ConvergenceWarning

    model = GaussianMixtureCplx(
        n_components=count,
        covariance_type="full" if full else "diag",
        zero_mean=zero_mean,
        tol=1e-2,
        reg_covar=least,
        max_iter=30,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the rounds are enough
        model.fit(x)
    return model.weights_, model.means_, model.covariances_
