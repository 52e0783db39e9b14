"""The latent explorer: a page on which one walks through a site's channels."""

from chanvae.explore.drawing import Point, as_read, draw, region_conditions
from chanvae.explore.held import latent_space

__all__ = ["Point", "as_read", "draw", "latent_space", "region_conditions"]
