"""Generative models that are no autoencoders, behind the same interface."""
