"""How Sphinx makes the documentation: ``make docs``."""

import chanvae

project = "chanvae"
author = "the authors of chanvae"
project_copyright = author
release = version = chanvae.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
html_theme = "furo"
html_title = f"chanvae {version}"
exclude_patterns = ["_build"]
