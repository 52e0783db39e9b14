"""A run directory from a stranger: refused in one line, before its header takes memory."""

import json
from pathlib import Path

import numpy as np
import pytest

from chanvae.checkpoint import load, save
from chanvae.errors import DataError
from chanvae.run import MODEL, open_run


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda h: h["config"]["model"]["network"].update(hidden=10**7), "far larger model"),
        (lambda h: h["config"]["model"]["network"].update(blocks=10**7), "far larger model"),
        (lambda h: h["config"]["model"]["network"].update(hidden=64), "size mismatch|damaged"),
        (lambda h: h.update(rx_array='{"columns": 1000000000}'), "far larger model"),
        (lambda h: h.update(rx_array="[" * 60_000), "array geometry"),
        (lambda h: h.update(conditions=5), "damaged"),
        (lambda h: h.update(conditions=[{"categories": 7}]), "damaged"),
        (lambda h: h.update(realisations=1e400), "damaged"),
        (lambda h: h.update(config=None), "damaged"),
        (lambda h: h.update(meta=[]), "damaged"),
        (lambda h: h.pop("source"), "damaged"),
        (lambda h: h.update(schema_version=99), "install a newer chanvae"),
    ],
)
def test_a_run_with_a_strange_header(run, tmp_path: Path, change, says: str):
    tensors, header = load(run.directory / MODEL)
    header = json.loads(json.dumps(header))
    change(header)
    save(tmp_path / MODEL, tensors, header)
    with pytest.raises(DataError, match=says) as caught:
        open_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_run_is_refused_in_one_line(run, tmp_path: Path):
    """Mutated at random: read, or refused; what is read can be drawn from or says why not."""
    rng, refused = np.random.default_rng(0), 0
    content = (run.directory / MODEL).read_bytes()
    size = int.from_bytes(content[:8], "little")
    for _ in range(40):
        mutated = bytearray(content)
        for _ in range(3):
            mutated[rng.integers(size)] = rng.integers(256)
        (tmp_path / MODEL).write_bytes(mutated)
        try:
            open_run(tmp_path)
        except DataError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 20
