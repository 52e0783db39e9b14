"""The names and the order of the axes of a channel array."""

AXES = ("n", "rx", "tx", "time", "freq")
"""Realisation, receive antenna, transmit antenna, time, baseband frequency."""

FOREIGN_AXES = (*AXES, "delay", "iq")
"""What an axis of somebody else's array may be: also delay taps, or a last axis of (re, im)."""
