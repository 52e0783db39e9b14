"""Channels in link simulations: a Sionna channel model, and the same link over several sets."""

from chanvae.link.channel_model import ChannelModel

__all__ = ["ChannelModel"]
