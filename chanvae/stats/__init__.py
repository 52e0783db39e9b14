"""Statistics of channels, per realisation and per set."""
