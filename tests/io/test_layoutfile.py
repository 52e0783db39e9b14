"""A layout written once as YAML is used like the options it holds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chanvae.cli.reading import load_options
from chanvae.errors import DataError
from chanvae.io.layoutfile import Read, load_layout, shipped
from chanvae.io.options import Options
from chanvae.io.read import load, reading
from tests.io.conftest import channels

Foreign = Callable[..., Path]
H = channels(70, 4, 16)
MINE = """
name: our sounder
about: Impulse responses of the sounder in the hall.
marks:
  arrays:
    cir: {dtype: complex, shape: [n, 4, taps]}
    los: {shape: [n]}
  attributes: {sounder: 7}
read:
  array: cir
  axes: n,rx,delay
  tap_spacing: 10ns
  carrier: 3.5GHz
  rx_array: 2x2
  group: session
  condition: [los, spread]
says:
  time_spacing_s: rate
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.yaml").write_text(MINE)
    return str(tmp_path / "mine.yaml")


@pytest.fixture
def ours(foreign: Foreign) -> Path:
    return foreign({"sounder": 7}, cir=H, los=np.arange(70) % 2, spread=np.ones(70),
                   session=np.arange(70) // 7, rate=0.5)  # fmt: skip


def test_it_says_what_the_options_would(mine: str, ours: Path) -> None:
    data = load(ours, layout=mine)
    assert data.subcarrier_spacing == pytest.approx(1 / (16 * 10e-9))
    assert data.rx_array.rows == 2 and data.meta.carrier_frequency == 3.5e9
    assert list(data.groups) == ["session"] and list(data.conditions) == ["los", "spread"]
    how = reading(ours, layout=mine)
    assert how.layout == "our sounder"
    words = list(how.options)
    said = {words[k][2:].replace("-", "_"): words[k + 1] for k in range(0, len(words), 2)}
    assert said["axes"] == "n,rx,delay" and said["tap_spacing"] == "10ns"


def test_options_go_before_it(mine: str, ours: Path) -> None:
    data = load(ours, layout=mine, axes="n,rx,freq", subcarrier_spacing=1e3, conditions=("los",))
    assert data.subcarrier_spacing == pytest.approx(1e3) and list(data.conditions) == ["los"]
    assert load(ours, layout=mine, bandwidth=16e6).bandwidth == pytest.approx(16e6)


def test_every_reading_option_can_be_in_it() -> None:
    options = {"group" if k == "groups" else "condition" if k == "conditions" else k
               for k in Options.__dataclass_fields__}  # fmt: skip
    assert set(Read.model_fields) == options - {"meta", "layout"}
    from chanvae.cli.inspect import command

    typed = {parameter.name for parameter in command.params}
    assert options <= typed
    given = dict.fromkeys(typed) | {"group": (), "condition": ()}
    assert set(Options.__dataclass_fields__) <= set(load_options(given))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("sounder: 7", "sounder: 8"), "its attribute sounder is not 8"),
        (("sounder: 7", "receiver: 7"), "it has no attribute receiver"),
        (
            ("    los: {shape: [n]}", "    los: {shape: [taps]}"),
            r"array los has shape .* \(taps\)",
        ),
        (("[n, 4, taps]", "[n, 5, taps]"), r"cir has shape \(70, 4, 16\), not \(n, 5, taps\)"),
        (("[n, 4, taps]", "[n, taps]"), "cir has shape"),
        (("cir: {dtype: complex", "cir: {dtype: real"), "cir is complex64, not real"),
        (("    los:", "    nlos:"), "it has no array nlos"),
        (("marks:", "marks:\n  kind: MATLAB v5"), "it is HDF5, not MATLAB v5"),
    ],
)
def test_a_layout_that_half_fits(
    mine: str, ours: Path, change: tuple[str, str], said: str
) -> None:
    Path(mine).write_text(MINE.replace(*change))
    with pytest.raises(DataError, match=rf"meas.h5: does not fit --layout .*: .*{said}") as caught:
        load(ours, layout=mine)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("tap_spacing: 10ns", "tap_spacing: 312.5"), "312.5 has no unit; write it with one"),
        (("tap_spacing: 10ns", "tap_spacing: '312.5'"), "a bare number has no unit"),
        (("tap_spacing: 10ns", "tap_spacing: 10MHz"), "unit 'MHz' is not one of s"),
        (("tap_spacing: 10ns", "tap_spacing: 0s"), "--tap-spacing is 0; it must be positive"),
        (("array: cir", "arrays: cir"), r"read.arrays: Extra inputs are not permitted"),
        (("dtype: complex", "dtype: float"), r"marks.arrays.cir.dtype: Input should be"),
        (("rx_array: 2x2", "rx_array: two"), "array 'two': write rows x columns"),
        (("name: our sounder", "nam: our sounder"), "name: Field required"),
        (("name: our", "name: ["), "is no YAML"),
        (("name: our sounder", "name: !!python/object:os.system x"), "is no YAML"),
    ],
)
def test_a_layout_that_makes_no_sense(
    mine: str, ours: Path, change: tuple[str, str], said: str
) -> None:
    Path(mine).write_text(MINE.replace(*change))
    with pytest.raises(DataError, match=said) as caught:
        load(ours, layout=mine)
    assert "\n" not in str(caught.value)


def test_a_layout_that_is_not_there(ours: Path) -> None:
    with pytest.raises(
        DataError, match="no such file or layout; those known are .*csinet, dw1000"
    ):
        load(ours, layout="none")


def test_what_a_layout_says_is_elsewhere(mine: str, foreign: Foreign) -> None:
    """A number that the layout expects in the file must be one number."""
    Path(mine).write_text(MINE.replace("time_spacing_s: rate", "tap_s: rate"))
    path = foreign({"sounder": 7}, cir=H, los=np.arange(70) % 2, rate=np.ones((2, 3)))
    with pytest.raises(
        DataError, match=r"/rate is float64 \(2, 3\); a single number stands there"
    ):
        load(path, layout=mine, conditions=("los",), groups=("random",))


def test_shipped_layouts_are_sound() -> None:
    """Each is valid, its options make sense, and none of the marks fits two of them."""
    known = shipped()
    assert {"dw1000_int16", "wsr_toolbox", "cost2100_matlab", "csinet"} <= known.keys()
    for name, layout in known.items():
        assert layout == load_layout(name) and layout.about and layout.options()
    marked = {name for name, layout in known.items() if layout.marks is not None}
    assert not marked & {"intel5300_20mhz", "intel5300_40mhz"}


def test_a_named_layout_without_marks(foreign: Foreign) -> None:
    path = foreign(csi=channels(70, 30))
    data = load(path, layout="intel5300_20mhz", axes="n,freq")
    np.testing.assert_allclose(data.freq[[0, 13, 14, 15, 29]] / 312.5e3, [-28, -2, -1, 1, 28])
    assert reading(path, layout="intel5300_20mhz", axes="n,freq").layout.endswith("20 MHz")


def test_the_layout_in_the_documentation(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    text = docs.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "my.yaml").write_text(text)
    layout = load_layout(str(tmp_path / "my.yaml"))
    assert layout.options().tap_spacing == pytest.approx(10e-9) and layout.marks is not None
    for name in shipped():
        assert f"`{name}`" in docs
