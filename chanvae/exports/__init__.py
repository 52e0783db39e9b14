"""A fitted model, or a set, in a form that is used without chanvae."""
