"""The names and the order of the axes of a channel array."""

AXES = ("n", "rx", "tx", "time", "freq")
"""Realisation, receive antenna, transmit antenna, time, baseband frequency."""

FOREIGN_AXES = (*AXES, "delay", "iq", "rx_angle", "tx_angle")
"""What an axis of somebody else's array may be: also delay taps, (re, im),
or spatial frequencies in the order of the unitary FFT."""
