"""Reading and writing sets of channels."""
