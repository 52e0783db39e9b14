"""The referee: how far generated channels are from measured ones."""
