"""A fitted model as one ONNX graph, from conditions and random numbers to channels."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import warnings
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import chanvae
from chanvae.errors import DataError
from chanvae.exports.chance import Given, Needs, needs
from chanvae.exports.real import real_graph
from chanvae.files import refuse, whole
from chanvae.io.header import header
from chanvae.run import Run
from chanvae.transforms.condition_vector import Column

BATCH = 64
"""Realisations that the graph draws at a time."""
KNOWN = 2000
"""Conditions of training realisations that go along at most."""
_INPUTS = ("conditions", "asked", "normal", "uniform")
_OUTPUTS = ("real", "imag")
_NEEDS = "writing ONNX needs two packages more: pip install 'chanvae[onnx]'"


class Drawing(nn.Module):
    """All that :meth:`Run.batches` does to conditions, with its chance as an input.

    Args:
        run: The fitted model.
        batch: Realisations at a time.
    """

    def __init__(self, run: Run, batch: int = BATCH) -> None:
        super().__init__()
        self.model, self.columns = run.to("cpu").model, run.vector.columns
        self.level = _level(run)
        c = torch.zeros(batch, run.vector.width)
        asked = torch.zeros(run.vector.width, dtype=torch.bool)
        with torch.no_grad():
            self.needs: Needs = needs(
                lambda: self.model.draw(c, None, asked, met=False, every=True), batch
            )

    def forward(
        self, conditions: Tensor, asked: Tensor, normal: Tensor, uniform: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Channels of one batch.

        Args:
            conditions: In SI units, a categorical one as the index of its value: float64
                ``[n, conditions]``.
            asked: Which of them were asked for, bool ``[conditions]``; the others stand for the
                data.
            normal: Standard normal numbers ``[n, needs.normal]``.
            uniform: Uniform numbers ``[n, needs.uniform]``.

        Returns:
            Real and imaginary part of ``h``, float32 ``[n, rx, tx, time, freq]``.
        """
        width = [column.width for column in self.columns]
        parts = [_encode(column, conditions[:, i]) for i, column in enumerate(self.columns)]
        c = torch.cat(parts, 1) if parts else torch.zeros(self.needs.n, 0)
        entries = [asked[i : i + 1].expand(w) for i, w in enumerate(width)]
        told = torch.cat(entries) if entries else torch.zeros(0, dtype=torch.bool)
        if not self.model.meets:
            return self._draw(c, told, normal, uniform, None)
        # Whether somebody asks is known when the graph runs, so both are in it.
        some = told[self.model.meeting.entries].any()
        met, left = (self._draw(c, told, normal, uniform, way) for way in (True, False))
        return torch.where(some, met[0], left[0]), torch.where(some, met[1], left[1])

    def _draw(
        self, c: Tensor, told: Tensor, normal: Tensor, uniform: Tensor, met: bool | None
    ) -> tuple[Tensor, Tensor]:
        with Given(normal, uniform):
            h = self.model.draw(c, None, told, met, every=True)
        return h.real * self.level, h.imag * self.level

    def example(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, drawn from the middle of what is known."""
        n, needed = self.needs.n, self.needs
        generator = torch.Generator().manual_seed(0)
        middle = [0.0 if c.categories else 0.5 * (c.low + c.high) for c in self.columns]
        return (
            torch.tensor(middle, dtype=torch.float64).expand(n, -1).clone(),
            torch.zeros(len(middle), dtype=torch.bool),
            torch.randn(n, needed.normal, generator=generator),
            torch.rand(n, needed.uniform, generator=generator),
        )


def _encode(column: Column, values: Tensor) -> Tensor:
    """:meth:`Column.encode` of a tensor: ``[n]`` to ``[n, width]``."""
    if column.categories:
        which = torch.arange(len(column.categories), dtype=values.dtype)
        return (values[:, None] == which).to(torch.float32)
    if column.offset > 0:
        # Relative to the offset: to the exporter, adding nanoseconds is adding nothing.
        values = torch.log10(values.clamp(min=0) / column.offset + 1) + math.log10(column.offset)
    return ((values - column.mean) / column.scale)[:, None].to(torch.float32)


def _level(run: Run) -> float:
    """Amplitude that undoes a normalisation of the whole set."""
    meta = run.template.meta
    power = meta.normalization_power
    undone = meta.normalization == "unit_mean_power" and math.isfinite(power)
    return math.sqrt(power) if undone else 1.0


def export(
    run: Run, path: str | os.PathLike[str], batch: int = BATCH, overwrite: bool = False
) -> Drawing:
    """Write a model as ONNX; docs/export.md shows how it is used from numpy.

    Args:
        run: The fitted model.
        path: The file; the metadata entry ``chanvae`` in it is JSON that says axes, conditions
            with their ranges, and how many random numbers are needed.
        batch: Realisations that the graph draws at a time.
        overwrite: Replace a file that exists.

    Returns:
        What was written, as a module.

    Raises:
        DataError: The packages are missing, the model draws in a way that is not exported, the
            file exists or cannot be written.
    """
    refuse(path, overwrite)
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError:
        raise DataError(f"{os.fspath(path)}: {_NEEDS}") from None
    try:
        drawing = Drawing(run, batch).eval()
        inputs = drawing.example()
        graph = real_graph(drawing, inputs).eval()
    except NotImplementedError as error:
        raise DataError(
            f"{os.fspath(path)}: a model of this kind does what has no ONNX here ({error}); the "
            "presets default and quick have"
        ) from None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the exporter, about itself
        made = torch.onnx.export(
            graph,
            inputs,
            dynamo=True,
            input_names=list(_INPUTS),
            output_names=list(_OUTPUTS),
            verbose=False,
        )
    if made is None:
        raise RuntimeError("the exporter gave nothing")
    model = made.model_proto
    onnx.helper.set_model_props(model, {"chanvae": json.dumps(_about(run, drawing.needs))})
    with whole(path, overwrite) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return drawing


def _about(run: Run, needed: Needs) -> dict[str, Any]:
    """What somebody without chanvae has to know."""
    template = run.template
    total = len(next(iter(run.known.values()), run.gains))
    rows = np.unique(np.linspace(0, max(total - 1, 0), KNOWN).round().astype(int))[:total]
    known = [_numbers(run.known[c.name][rows], c) for c in run.vector.columns]
    told = ("name", "unit", "low", "high", "categories")
    return {
        "version": chanvae.__version__,
        "batch": needed.n,
        "normal": needed.normal,
        "uniform": needed.uniform,
        "conditions": [
            {k: v for k, v in asdict(c).items() if k in told} for c in run.vector.columns
        ],
        "known": np.stack(known, 1).tolist() if known else [],
        "gains": run.gains[rows].tolist() if len(run.gains) else [],
        "freq": template.freq.tolist(),
        "time": template.time.tolist(),
        **{k: v for k, v in header(template).items() if isinstance(v, (str, int, float))},
    }


def _numbers(values: np.ndarray, column: Column) -> np.ndarray:
    """A label as the graph takes it."""
    if not column.categories:
        return np.asarray(values, np.float64)
    return np.searchsorted(np.array(column.categories), values).astype(np.float64)
