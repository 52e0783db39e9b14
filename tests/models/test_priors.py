"""Priors reproduce what they were fitted on."""

import math

import torch
from scipy.stats import ks_2samp

from chanvae.models.priors import PosePrior
from chanvae.transforms.registration import Pose
from chanvae.transforms.traits import TRAITS


def poses(n: int, seed: int) -> tuple[Pose, torch.Tensor]:
    """Log-normal gain, an angle around the seam of its circle, and a delay with an atom at 0."""
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(n, 1, generator=generator)
    noise = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    angle = (0.1 * noise[:, 0]) % 1.0
    delay = torch.where(noise[:, 1] < 0, 0.0, (0.05 * noise[:, 1].abs()).clamp(max=0.9))
    gain = (noise[:, 2] + c[:, 0]).exp()
    traits = torch.randn(n, TRAITS, generator=generator) + c
    return Pose(gain, torch.zeros(n), torch.stack([angle, delay], dim=1), traits), c


def trained(pose: Pose, c: torch.Tensor, steps: int) -> PosePrior:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = PosePrior.fitted(pose, c.shape[1])
    values = prior.gaussian(pose, torch.Generator().manual_seed(1))
    optimizer = torch.optim.Adam(prior.parameters(), lr=5e-3)
    for step in range(steps):
        rows = torch.arange(256) + 256 * (step % (len(c) // 256))
        loss = -prior.log_prob(values[rows], c[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return prior.eval()


def test_marginals_atoms_and_seams_come_back():
    pose, c = poses(8192, 0)
    prior = trained(pose, c, 500)
    with torch.no_grad():
        drawn = prior.sample(c, torch.Generator().manual_seed(2))
    turned = lambda p: (p.position[:, 0] + 0.5) % 1.0  # noqa: E731
    # Two samples of 8,192 differ by 0.025 in one of a hundred; the flow adds its error.
    assert ks_2samp(drawn.gain, pose.gain).statistic < 0.06
    assert ks_2samp(turned(drawn), turned(pose)).statistic < 0.06
    assert abs(float((drawn.position[:, 1] < 1e-9).double().mean()) - 0.5) < 0.05
    assert drawn.position[:, 1].max() <= pose.position[:, 1].max() + 1e-9
    for ours, theirs in zip(drawn.traits.T, pose.traits.T, strict=True):
        assert ks_2samp(ours, theirs).statistic < 0.06


def test_the_dependence_on_the_condition_is_learned():
    pose, c = poses(8192, 0)
    prior = trained(pose, c, 500)
    with torch.no_grad():
        drawn = prior.sample(c, torch.Generator().manual_seed(2))
    pair = torch.stack([drawn.gain.log(), c[:, 0].double()])
    assert abs(float(torch.corrcoef(pair)[0, 1]) - math.sqrt(0.5)) < 0.08


def test_a_constant_pose_stays_constant():
    n = 100
    pose = Pose(torch.ones(n), torch.zeros(n), torch.full((n, 2), 0.25), torch.ones(n, TRAITS))
    prior = PosePrior.fitted(pose, 0)
    assert prior.flow is None
    drawn = prior.sample(torch.zeros(5, 0), torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.gain, torch.ones(5).double())
    torch.testing.assert_close(drawn.position, torch.full((5, 2), 0.25).double())
    assert torch.equal(drawn.traits, torch.ones(5, TRAITS))
    assert len(set(drawn.phase.tolist())) == 5
