"""Every kind of model under the same wall time on the same data."""
