"""Generative models of channels."""
