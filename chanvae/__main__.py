"""``python -m chanvae``."""

from chanvae.cli import main

main()
