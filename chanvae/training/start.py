"""A fit that starts from the weights of another run, as where measurements are few."""

from __future__ import annotations

from typing import TypeVar

from chanvae.config import Config, DataConfig, FitConfig, Optimisation
from chanvae.errors import DataError
from chanvae.models.site import SiteModel
from chanvae.run import Run

_Kind = TypeVar("_Kind", bound=Config)
GENTLER = 0.3
"""Learning rate of networks that have learned already, over that of new ones."""
_FITTED = ("cvae.", "latent_prior.", "pose_prior.flow.")
_SOUGHT = "cvae.likelihood.rest"
"""What the calibration sets, and sets anew."""


def settings(run: Run) -> FitConfig:
    """Settings for going on from a run with other data: its own, at a lower rate.

    Of its data they keep the conditions. The divergence has its full weight from the first step,
    as there is nothing to be found first.
    """
    data = DataConfig(conditions=run.config.data.conditions)
    found = _gentler(run.config.model_copy(update={"data": data, "seed": 0}))
    how = found.training.model_copy(update={"warmup": 0.0, "beta_first": 1.0})
    return found.model_copy(update={"training": how})


def take(run: Run, model: SiteModel) -> None:
    """Give a model the weights of a run; what its own data say of it stays.

    Raises:
        DataError: Channels or networks are of another shape.
    """
    where = f"--init {run.directory or 'run'}"
    if model.grid.full != run.model.grid.full:
        here, there = (_axes(m) for m in (model, run.model))
        raise DataError(f"{where}: was fitted on channels of {there}; these have {here}")
    theirs, ours = (
        {k: v for k, v in m.state_dict().items() if k.startswith(_FITTED) and k != _SOUGHT}
        for m in (run.model, model)
    )
    here, there = (m.pose_prior.varying.cpu() for m in (model, run.model))
    if not here.equal(there):
        theirs, ours = (
            {k: v for k, v in weights.items() if not k.startswith("pose_prior.")}
            for weights in (theirs, ours)
        )
    differ = [k for k in theirs.keys() | ours if k not in theirs or k not in ours
              or theirs[k].shape != ours[k].shape]  # fmt: skip
    if differ:
        raise DataError(
            f"{where}: has other networks than were asked for ({min(differ)}); leave out the "
            "preset and --set that change them"
        )
    model.load_state_dict(theirs, strict=False)


def _axes(model: SiteModel) -> str:
    grid = model.grid
    return (
        f"{grid.rx_array.size} rx x {grid.tx_array.size} tx x {grid.time} time x {grid.freq} freq"
    )


def _gentler(config: _Kind) -> _Kind:
    """The same with a lower rate wherever networks learn; the pose and the game begin anew."""
    changed = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if name == "optimisation" and isinstance(value, Optimisation):
            changed[name] = value.model_copy(
                update={"learning_rate": GENTLER * value.learning_rate}
            )
        elif isinstance(value, Config):
            changed[name] = _gentler(value)
    return config.model_copy(update=changed)
