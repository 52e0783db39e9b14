"""Packing is exact both ways."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from chanvae.transforms.pack import pack, unpack


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.sampled_from([torch.complex64, torch.complex128]),
    st.integers(0, 2**31),
)
def test_round_trip(shape, dtype, seed):
    x = torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    planes = pack(x)
    assert planes.shape == (shape[0], 2, *shape[1:])
    assert not planes.is_complex()
    assert torch.equal(unpack(planes), x)
