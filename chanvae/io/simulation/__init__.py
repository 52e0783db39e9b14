"""Channels drawn from Sionna: stochastic models of 3GPP, and ray-traced scenes."""
