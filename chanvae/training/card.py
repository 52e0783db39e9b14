"""The card of a run: what it was fitted on, how it went, what it cannot do; and its curves."""

import platform
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import chanvae
from chanvae.channels import ChannelDataset
from chanvae.config import Rival
from chanvae.files import whole
from chanvae.run import Run, split_for
from chanvae.split import Split
from chanvae.training.record import Record
from chanvae.units import show


def write_card(
    run: Run, dataset: ChannelDataset, sizes: tuple[int, int, int], record: Record
) -> None:
    """Write ``card.md`` and ``training.png`` into the run directory."""
    if run.directory is None:
        return
    with whole(run.directory / "card.md", overwrite=True) as temporary:
        temporary.write_text(card(run, dataset, sizes, record))
    write_curves(record, run.directory / "training.png")


def card(run: Run, dataset: ChannelDataset, sizes: tuple[int, int, int], record: Record) -> str:
    """The card as Markdown."""
    _, rx, tx, time, _ = dataset.shape
    meta, provenance = dataset.meta, dataset.meta.provenance
    split = split_for(dataset, run.config)
    best = {}
    for row in record.rows:
        game = row["stage"] == "refinement" or run.config.model.kind == "wgan"  # the last are kept
        if game or row["validation_loss"] <= best.get(row["stage"], row)["validation_loss"]:
            best[row["stage"]] = row
    conditions = "\n".join(_condition(run, name) for name in run.known) or "none"
    stages = "\n".join(
        f"| {name} | {row['step']} | {row['validation_loss']:.2f} | "
        f"{row.get('validation_kl', float('nan')):.1f} | "
        f"{row.get('validation_active_latents', float('nan')):.0f} |"
        for name, row in best.items()
    )
    return f"""# Card of a chanvae run

{_what(run)},
fitted by chanvae {chanvae.__version__} (torch {torch.__version__}, Python
{platform.python_version()}, {torch.get_num_threads()} threads, {run.device}, seed
{run.config.seed}) in {record.elapsed:.0f} s.

## Data

- Source: {provenance.get("source", "not stated" if run.source else "data in memory")}
- Licence: {provenance.get("licence", "not stated")}
- File: {_files(run)}
{_start(run)}- SHA-256: {provenance.get("sha256", "not known")}
- Channels: {rx} receive x {tx} transmit antennas, {time} time steps, {_band(dataset)},
  carrier {_known(meta.carrier_frequency)}
- Receive array {dataset.rx_array}; transmit array {dataset.tx_array}
- {sizes[0]} realisations for training, {sizes[1]} for validation, {sizes[2]} held out for
  `chanvae evaluate`
- Split: {_split(split)}

## Conditions

| condition | known range | median |
|---|---|---|
{conditions}

Delay spread: {meta.delay_spread_definition or "not a condition"}

Angular spread: {meta.angular_spread_definition or "not a condition"}

## Training

Best validation (autoencoder: negative ELBO and KL in nats per realisation; pose: nats; prior and
rivals: their own loss; selection: nats a realisation of telling measured from drawn channels, by
guessing 0.69), and the last of the refinement (mean W1/σ of eigenvalues and of the power at every
delay and angle, drawn against validation maps).

| stage | step | loss | KL | active latents |
|---|---|---|---|---|
{stages}

{_kept(run)}

## Limits

- It knows the site, array, carrier and bandwidth above, and nothing else. Conditions outside the
  range are refused unless `--extrapolate` is given; what comes then is not supported by data.
- The phase of the strongest path is drawn uniformly; realisations are drawn independently of each
  other, so there is no trajectory from one to the next.
- How close generated channels come to held-out measured ones is for `chanvae evaluate` to say.
"""


def _kept(run: Run) -> str:
    """What selection does."""
    there = [s for s in run.model.selections if s is not None]
    active = [s for s in there if s.active]
    if not there:
        return "Every draw is kept."
    if not active:
        return "Every draw is kept: held-out measured channels cannot be told from draws."
    return (
        f"At least one in {active[0].draws:g} draws is kept on average, by how likely it is among "
        "measured channels; `--every` keeps all."
    )


def _start(run: Run) -> str:
    """The run whose weights the fit started from, if any."""
    return f"- Started from the weights of {run.source['init']}\n" if "init" in run.source else ""


def _split(split: Split) -> str:
    """What keeps the held-out part from the others."""
    return f"{split.what} held out" if split.what else "realisations were parted at random"


def _what(run: Run) -> str:
    """The kind of model, and its choices."""
    model = run.config.model
    if isinstance(model, Rival):
        return f"A `{model.kind}` of registered maps"
    quantity = "" if model.quantity == "complex" else " of powers"
    return (
        f"A `{model.kind}` with a `{model.network.kind}` network, a\n"
        f"`{model.likelihood.kind}` likelihood{quantity} and a `{model.prior.kind}` prior"
    )


def _files(run: Run) -> str:
    """The file of the data, or all of them."""
    where = run.source.get("path", "none")
    return where if isinstance(where, str) else ", ".join(where)


def _band(dataset: ChannelDataset) -> str:
    freq = len(dataset.freq)
    if freq == 1:
        return "one frequency"
    return f"{freq} frequencies over {show(dataset.bandwidth, 'Hz')}"


def _known(value: float) -> str:
    return show(value, "Hz") if np.isfinite(value) else "not known"


def _condition(run: Run, name: str) -> str:
    column, values = run.vector.column(name), run.known[name]
    if column.categories:
        return f"| {name} | {', '.join(map(str, column.categories))} | |"
    low, middle, high = (
        show(float(v), column.unit) for v in (column.low, np.median(values), column.high)
    )
    return f"| {name} | {low} to {high} | {middle} |"


def write_curves(record: Record, path: Path) -> None:
    """Training curves of every stage as a picture."""
    stages = list(dict.fromkeys(row["stage"] for row in record.rows))
    width = 4.5 * max(len(stages), 1)
    figure = Figure(figsize=(width, 3.5))  # [inch], and so are the margins
    figure.subplots_adjust(0.75 / width, 0.14, 1 - 0.15 / width, 0.91, wspace=0.75 / 3.6)
    for k, stage in enumerate(stages):
        rows = [row for row in record.rows if row["stage"] == stage]
        curve(figure.add_subplot(1, len(stages), k + 1), stage, rows)
    with whole(path, overwrite=True) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def curve(axes: Axes, stage: str, rows: list[dict]) -> Axes:
    """Loss over steps; for the autoencoder reconstruction and KL apart, in nats."""
    steps = [row["step"] for row in rows]
    if stage == "autoencoder":
        for name, color in (("reconstruction", "#0072b2"), ("kl", "#d55e00")):
            for prefix, line in (("", "-"), ("validation_", "--")):
                label = f"{prefix.rstrip('_')} {name}".strip()
                axes.plot(
                    steps, [row[prefix + name] for row in rows], line, color=color, label=label
                )
        axes.set_ylabel("nats per realisation")
        axes.set_yscale("symlog", linthresh=100)
    else:
        lines = {"training": "loss", "validation": "validation_loss"}
        if stage == "refinement":
            lines = {"critic": "critic", "decoder": "decoder", "mean W1/σ": "validation_loss"}
        styles = (("-", "#0072b2"), ("--", "#d55e00"), (":", "#009e73"))
        for (label, name), (style, color) in zip(lines.items(), styles):
            axes.plot(steps, [row[name] for row in rows], style, color=color, label=label)
        axes.set_ylabel("loss")
    axes.set_xlabel("step")
    axes.set_title(stage)
    axes.legend(fontsize="small")
    return axes
