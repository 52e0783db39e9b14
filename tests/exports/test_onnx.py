"""The ONNX graph gives, for the same random numbers, the channels that torch gives."""

import contextlib
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from chanvae.channels import ChannelDataset
from chanvae.cli import main
from chanvae.errors import DataError
from chanvae.exports.chance import Given, needs
from chanvae.exports.onnx import _INPUTS, Drawing, export
from chanvae.exports.real import real_graph
from chanvae.presets import configure
from chanvae.run import Run
from chanvae.training.fit import fit
from tests.conftest import SHORT_DEFAULT

DOCS = (Path(__file__).parents[2] / "docs" / "export.md").read_text()


@pytest.fixture(scope="module")
def default(measured: ChannelDataset) -> Run:
    return fit(measured[:200], None, configure("default", SHORT_DEFAULT))


def noise(drawing: Drawing, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator, needed = torch.Generator().manual_seed(seed), drawing.needs
    return (
        torch.randn(needed.n, needed.normal, generator=generator),
        torch.rand(needed.n, needed.uniform, generator=generator),
    )


def conditions(run: Run, n: int) -> torch.Tensor:
    columns = []
    for column in run.vector.columns:
        values = run.known[column.name][:n]
        if column.categories:
            values = np.searchsorted(np.array(column.categories), values)
        columns.append(torch.as_tensor(np.asarray(values, np.float64)))
    return torch.stack(columns, 1)


def test_a_drawing_is_the_same_in_real_numbers(run: Run):
    drawing = Drawing(run, 8).eval()
    inputs = (conditions(run, 8), *drawing.example()[1:])
    for found, wanted in zip(real_graph(drawing, inputs)(*inputs), drawing(*inputs), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["quick", "default"])
def test_onnxruntime_draws_what_torch_draws(request, tmp_path, preset):
    import onnxruntime

    run = request.getfixturevalue("run" if preset == "quick" else "default")
    with contextlib.redirect_stderr(io.StringIO()):  # where the exporter says what it does
        drawing = export(run, tmp_path / "model.onnx", batch=8)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for seed, asked in enumerate((False, True)):
        normal, uniform = noise(drawing, seed)
        c = conditions(run, 8)
        mask = torch.full((c.shape[1],), asked)
        given = dict(zip(_INPUTS, (v.numpy() for v in (c, mask, normal, uniform)), strict=True))
        real, imag = session.run(None, given)
        told = {name: run.known[name][:8] for name in run.vector.names}
        with Given(normal, uniform):
            entries = run.vector.entries(told if asked else ())
            c = run.vector.encode(told, 8)
            h = run.model.draw(c, None, entries, every=True).numpy()
        assert np.abs(real + 1j * imag - h).max() < 1e-4 * np.abs(h).max(), asked
        assert h.shape == (8, *run.template.shape[1:])


@pytest.mark.slow
def test_the_numpy_of_the_documentation(run: Run, tmp_path, monkeypatch, capfd):
    run.save(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    line = next(line for line in DOCS.splitlines() if line.startswith("chanvae export run --onnx"))
    monkeypatch.setattr(sys, "argv", [*line.split(), "--batch", "16"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert "16 channels at a time" in capfd.readouterr().out
    script = next(b for b in re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL))
    room: dict = {}
    exec(script.replace("60e-9", repr(float(np.median(run.known["delay_spread"])))), room)
    assert room["h"].shape == (16, *run.template.shape[1:])
    assert np.isfinite(room["h"]).all()
    assert len(np.unique(np.abs(room["h"][:, 0, 0, 0, 0]))) == 16
    about = room["about"]
    np.testing.assert_array_equal(about["freq"], run.template.freq)
    assert {c["name"] for c in about["conditions"]} == set(run.vector.names)
    assert json.loads(about["rx_array"])["columns"] == run.template.rx_array.columns


def test_without_the_packages_one_line_says_what_to_install(run: Run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(DataError, match=r"pip install 'chanvae\[onnx\]'"):
        export(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_complex_operators_become_real_ones():
    """What draws do with complex numbers, in one module."""

    class Many(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.tensor([True, False, True, True]))
            self.register_buffer("turn", torch.polar(torch.ones(6), torch.arange(6.0)))

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            x = torch.complex(a, b) * self.turn.conj()
            x = torch.fft.fftshift(torch.fft.fft(torch.fft.ifftn(x, dim=[1], norm="ortho")), -1)
            x[:, 1:3] += 0.5j * x[:, :2] / (1 + x[:, 2:].abs().square())
            x = torch.cat([x, x.roll(1, -1)], 1) @ x.mT
            y = torch.view_as_complex(torch.view_as_real(x).flip(-1).contiguous())
            y[:, :, self.mask] = torch.exp(0.1 * y[:, :, self.mask])
            place = torch.searchsorted(torch.arange(6.0), a[0, 0].contiguous()).double()
            return torch.view_as_real(y - x.sum(1, keepdim=True)).flatten(1).sum(1) + place.sum()

    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(5, 4, 6, generator=generator) for _ in range(2)]
    module = Many()
    graph = real_graph(module, inputs)
    assert not any(t.is_complex() for t in graph.buffers())
    found = graph(*inputs)
    torch.testing.assert_close(found, module(*inputs), rtol=1e-4, atol=1e-4)


def test_chance_of_another_kind_is_refused(run: Run, tmp_path, monkeypatch):
    """In a graph it would be drawn once, and be the same ever after."""
    draw = type(run.model).draw

    def by_lot(self, c, *more, **how):
        return draw(self, c[torch.randint(len(c), (len(c),))], *more, **how)

    monkeypatch.setattr(type(run.model), "draw", by_lot)
    with pytest.raises(DataError, match="has no ONNX here .randint draws"):
        export(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_chance_is_handed_in():
    def work() -> torch.Tensor:
        z = torch.randn((3, 2), dtype=torch.complex64)
        return torch.view_as_real(z).sum((1, 2)) + torch.rand(3)

    found = needs(work, 3)
    assert (found.normal, found.uniform) == (4, 1)
    normal, uniform = torch.arange(12.0).reshape(3, 4), torch.zeros(3, 1)
    with Given(normal, uniform):
        torch.testing.assert_close(work(), normal.sum(1) * 0.5**0.5)
